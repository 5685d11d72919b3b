/** A run's method and its loader of images, as its configuration and its model want them. */
import type { Clip } from '@mudpt/clip';
import { BatchLoader } from '../data/index.ts';
import { type ClassContext, classContext } from '../method/class-context.ts';
import { type Method, methodContext, methodNamed, type TrainingSettings } from '../methods/index.ts';
import type { RunConfig } from './settings.ts';

/** A loader that crops for this model, and augments as the method or its training settings say. */
export function runLoader(clip: Clip, config: RunConfig, method: Method): BatchLoader {
  const { image, normalization } = clip.config;
  const { cropScale } = method.kind === 'features' ? method : (config.training as Partial<TrainingSettings>);
  // A software adapter computes on the very cores that threads would decode on.
  const workers = config.workers ?? (clip.device.adapter.kind === 'gpu' ? undefined : 0);
  return new BatchLoader({
    size: image.size,
    seed: config.seed,
    augment: config.augment ? { ...(cropScale && { scale: cropScale }) } : false,
    ...(normalization && { normalization }),
    ...(workers !== undefined && { workers }),
    ...(config.exif && { exif: config.exif }),
  });
}

/** The run's method for these classes, untrained. */
export async function createMethod(
  clip: Clip,
  { method, settings, seed }: Pick<RunConfig, 'method' | 'settings' | 'seed'>,
  classes: ClassContext,
): Promise<Method> {
  return methodNamed(method).create(await methodContext(clip, { ...classContext(classes), seed }), settings);
}
