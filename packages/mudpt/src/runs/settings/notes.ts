/** Sentences on what of a configuration has no effect, or another one than people expect. */
import { isEqual } from '@mudpt/tensor/internal';
import type { TrainingSettings } from '../../methods/index.ts';
import { lengthOfRun } from './length.ts';
import { type RunConfig, type RunInput, type Schemas, SCHEMAS, settingsFor } from './settings.ts';

/** That a method reads no descriptions although there are some; undefined where it does. */
export function unreadDescriptions(
  { method, settings }: Pick<RunConfig, 'method' | 'settings'>,
  schemas = SCHEMAS,
): string | undefined {
  const { title, readsDescriptions } = schemas.methodNamed(method);
  if (readsDescriptions?.(settings)) return undefined;
  return `${title} reads no descriptions of classes: they change the zero-shot accuracy alone`;
}

/** That every epoch is one of the warm-up; undefined where some are not. @param images that are trained on */
function onlyWarmUp(config: RunConfig, images: number, schemas = SCHEMAS): string | undefined {
  if (!schemas.methodNamed(config.method).training) return undefined;
  const { warmupEpochs, warmupLr, lr } = config.training as TrainingSettings;
  const { epochs } = lengthOfRun(config, images);
  if (epochs > warmupEpochs || warmupLr >= lr) return undefined;
  const all = epochs === 1 ? 'the only epoch is' : `all ${epochs} epochs are`;
  return `${all} warm-up, at the rate ${warmupLr}: lr ${lr} is never reached, unless with more epochs or --set warmupEpochs=0`;
}

/** Of each setting of the method and its training that was asked for, and that has no effect beside the others. */
function idleSettings(config: RunConfig, asked: Pick<RunInput, 'settings' | 'training'>, schemas: Schemas): string[] {
  const sections = settingsFor(config.method, schemas);
  return (['settings', 'training'] as const).flatMap((section) =>
    sections[section].flatMap(({ name, type, metadata }) => {
      const value = asked[section]?.[name];
      if (value === undefined || isEqual(value, type.safeParse(undefined).data)) return [];
      const why = metadata.idle?.(config[section]);
      return why === undefined ? [] : [`${name} ${JSON.stringify(value)} has no effect, because ${why}`];
    }),
  );
}

/**
 * All of them.
 * @param images that are trained on
 * @param asked what was set by name
 */
export function effectNotes(
  config: RunConfig,
  images: number,
  asked: Pick<RunInput, 'settings' | 'training'>,
  schemas = SCHEMAS,
): string[] {
  const descriptions = config.descriptions === undefined ? undefined : unreadDescriptions(config, schemas);
  const others = [descriptions, onlyWarmUp(config, images, schemas)].filter((note) => note !== undefined);
  return [...idleSettings(config, asked, schemas), ...others];
}
