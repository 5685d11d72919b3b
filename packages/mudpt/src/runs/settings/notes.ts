/** Notes on settings that have no effect, or an unexpected one. */
import { isEqual } from '@mudpt/tensor/internal';
import type { TrainingSettings } from '../../methods/index.ts';
import { type Setting, settingsOf } from '../../settings/fields.ts';
import { lengthOfRun } from './length.ts';
import { type Schemas, SCHEMAS, settingsFor } from './schemas.ts';
import type { RunConfig, RunInput } from './settings.ts';

/** A note that the method reads no descriptions although there are some; undefined where it reads them. */
export function unreadDescriptions(
  { method, settings }: Pick<RunConfig, 'method' | 'settings'>,
  schemas = SCHEMAS,
): string | undefined {
  const { title, readsDescriptions } = schemas.methodNamed(method);
  if (readsDescriptions?.(settings)) return undefined;
  return `${title} reads no descriptions of classes: they change the zero-shot accuracy alone`;
}

/** A note that all epochs are warm-up epochs; undefined where some are not. @param images number of training images */
function onlyWarmUp(config: RunConfig, images: number, schemas = SCHEMAS): string | undefined {
  if (!schemas.methodNamed(config.method).training) return undefined;
  const { warmupEpochs, warmupLr, lr } = config.training as TrainingSettings;
  const { epochs } = lengthOfRun(config, images);
  if (epochs > warmupEpochs || warmupLr >= lr) return undefined;
  const all = epochs === 1 ? 'the only epoch is' : `all ${epochs} epochs are`;
  return `${all} warm-up, at the rate ${warmupLr}: lr ${lr} is never reached, unless with more epochs or --set warmupEpochs=0`;
}

/** Notes on settings that were asked for and have no effect beside the others. */
function idleSettings(config: RunConfig, asked: Pick<RunInput, 'settings' | 'training'>, schemas: Schemas): string[] {
  const sections = settingsFor(config.method, schemas);
  const hasDescriptions = config.descriptions !== undefined;
  return (['settings', 'training'] as const).flatMap((section) =>
    idleAmong(sections[section], config[section], asked[section] ?? {}, { schemas, hasDescriptions }),
  );
}

/** @param within the setting that holds these, with a dot; settings of another method are looked at as its own are */
function idleAmong(
  fields: readonly Setting[],
  values: Readonly<Record<string, unknown>>,
  asked: Readonly<Record<string, unknown>>,
  beside: { readonly schemas: Schemas; readonly hasDescriptions: boolean },
  within = '',
): string[] {
  return fields.flatMap(({ name, type, metadata: { idle, holds, yieldsToDescriptions } }) => {
    const value = asked[name];
    if (value === undefined || isEqual(value, type.safeParse(undefined).data)) return [];
    const taken = yieldsToDescriptions && beside.hasDescriptions ? 'descriptions of the classes take its place' : undefined;
    const why = idle?.(values) ?? taken;
    if (why !== undefined) return [`${within}${name} ${JSON.stringify(value)} has no effect, because ${why}`];
    if (!holds) return [];
    const { settings } = beside.schemas.methodNamed(holds(values));
    const given = value as Readonly<Record<string, unknown>>;
    return idleAmong(settingsOf(settings), settings.parse(given) as typeof given, given, beside, `${within}${name}.`);
  });
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
