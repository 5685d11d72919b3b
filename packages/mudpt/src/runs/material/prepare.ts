/** A run's method and its image loader, made from its configuration and model. */
import type { Clip } from '@mudpt/clip';
import { BatchLoader } from '../../data/index.ts';
import { type ClassContext, classContext } from '../../method/class-context.ts';
import { augmentationOf } from '../../method/training-settings.ts';
import { type Method, methodContext, methodNamed, type TrainingSettings } from '../../methods/index.ts';
import type { RunConfig } from '../settings/settings.ts';
import type { Numerics } from './model.ts';
import { openTeacher } from './teacher.ts';

/** A loader that crops for this model, and augments as the method or its training settings say. */
export function runLoader(clip: Clip, config: RunConfig, method: Method): BatchLoader {
  const { image, normalization, resizing } = clip.config;
  const augment = method.kind === 'features' ? { scale: method.cropScale } : augmentationOf(config.training as TrainingSettings);
  // A software adapter computes on the same cores that threads would decode on.
  const workers = config.workers ?? (clip.device.adapter.kind === 'gpu' ? undefined : 0);
  return new BatchLoader({
    size: image.size,
    seed: config.seed,
    augment: config.augment ? augment : false,
    ...(normalization && { normalization }),
    ...(resizing && { resizing }),
    ...(workers !== undefined && { workers }),
    ...(config.exif && { exif: config.exif }),
  });
}

/** The run's method for these classes, untrained; with its teacher, where it learns from one. */
export async function createMethod(
  clip: Clip,
  config: Pick<RunConfig, 'method' | 'settings' | 'seed'> & Partial<Numerics>,
  classes: ClassContext,
): Promise<Method> {
  const { method, settings, seed } = config;
  const context = await methodContext(clip, { ...classContext(classes), seed });
  const teacher = await openTeacher(clip, config, classes);
  try {
    return methodNamed(method).create({ ...context, ...(teacher && { teacher }) }, settings);
  } catch (error) {
    teacher?.dispose();
    throw error;
  }
}
