/** The length of a run's training. */
import type { TrainingSettings } from '../../methods/index.ts';
import { type Length, lengthOf, updatesOf } from '../../train/updates.ts';
import type { RunConfig } from './settings.ts';

/** The length of a run that trains on `images`. */
export function lengthOfRun({ training, accumulate }: Pick<RunConfig, 'training' | 'accumulate'>, images: number): Length {
  const settings = training as TrainingSettings;
  return lengthOf(settings, updatesOf(images, settings.batchSize, accumulate).updates);
}

/** What training on `images` may reach at most: which of them cannot be read is not known yet, and fewer images take more epochs for as many iterations. */
export function mostOfRun(
  config: Pick<RunConfig, 'training' | 'accumulate'>,
  images: number,
): Pick<Length, 'epochs' | 'updates'> {
  const { epochs, updates } = lengthOfRun(config, images);
  const { iterations } = config.training as TrainingSettings;
  return { epochs: Math.max(epochs, iterations), updates };
}
