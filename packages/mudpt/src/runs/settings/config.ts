/** Configurations of runs: defaults filled in, fitted to a model, and the folder that follows from them. */
import type { ClipConfig } from '@mudpt/clip';
import { InputError } from '@mudpt/tensor';
import * as z from 'zod';
import { embeddedSettings, embeddedTraining, settingsForLayers } from '../../method/model-defaults.ts';
import { mergedTraining } from '../../method/published.ts';
import { publishedValues } from './published.ts';
import { isEqual } from '@mudpt/tensor/internal';
import { beyondDefaults, decidedSetting, decidedText } from '../../settings/decided.ts';
import { type Setting, settingsOf } from '../../settings/fields.ts';
import { suggestion } from '../../settings/suggestion.ts';
import { type Schemas, SCHEMAS, type Section, settingsFor, valuesOf } from './schemas.ts';
import type { RunConfig, RunInput } from './settings.ts';

/**
 * Fills in defaults. What is given by name wins over the variant's values, those over the protocol's published ones, those over the preset of
 * the base model, that over the method's defaults.
 * @throws InputError naming the field, what it may be, and where it came from; MethodError for an unknown method
 */
export function resolveConfig(input: RunInput, source = 'configuration', schemas = SCHEMAS): RunConfig {
  const given = checked(schemas.run, input, source, '') as RunConfig;
  const isBaseToNew = given.protocol === 'base-to-new' && input.classes === undefined;
  const config: RunConfig = isBaseToNew ? { ...given, classes: 'base' } : given;
  if (config.newEachEpoch && config.classes !== 'base')
    throw new InputError(
      source,
      `newEachEpoch looks at new classes, and the run trains on ${config.classes} classes`,
      'add --classes base, or leave it out',
    );
  const method = schemas.methodNamed(config.method);
  const published = publishedValues(config, method, source);
  const isPreset = config.model === 'embedded' && !published.isPublished;
  const fields = settingsOf(method.settings);
  const ofModel = isPreset ? embeddedSettings(method, config.settings) : {};
  const merged = { ...ofModel, ...published.settings, ...config.settings };
  const settings = checked(method.settings, merged, source, 'settings.') as Record<string, unknown>;
  const decided = decidedSetting(fields, settings, beyondDefaults(fields, config.settings));
  if (decided)
    throw new InputError(
      source,
      `settings.${decided.name}: ${decidedText(decided)}`,
      `leave it out, or set ${decided.by.name} too; --set ${decided.by.name}= gives none`,
    );
  if (!method.training && Object.keys(config.training).length > 0)
    throw new InputError(source, `${config.method} is fitted, not trained, so it has no training settings`, 'leave them out');
  if (!method.training) {
    expectNoTraining(config, input, source, schemas);
    return { ...config, settings, training: {} };
  }
  const preset = isPreset ? embeddedTraining(method) : {};
  const training = mergedTraining([preset, published.training, config.training]);
  return { ...config, settings, training: checked(method.training, training, source, 'training.') };
}

/** @throws InputError for a setting of training that a method which is fitted was given */
function expectNoTraining(config: RunConfig, input: RunInput, source: string, { run }: Schemas): void {
  for (const { name, type, metadata } of settingsOf(run)) {
    const given = (input as Readonly<Record<string, unknown>>)[name];
    const standard = type.safeParse(undefined).data;
    if (!metadata.forTraining || given === undefined || isEqual(valuesOf(config, 'run')[name], standard)) continue;
    throw new InputError(source, `${config.method} is fitted, not trained, so it has no ${name}`, 'leave it out');
  }
}

function checked<T>(type: z.ZodType<T>, value: unknown, source: string, prefix: string): T {
  const parsed = type.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  if (issue?.code === 'unrecognized_keys' && type instanceof z.ZodObject) {
    const [unknown = ''] = issue.keys;
    throw new InputError(
      source,
      `there is no setting "${prefix}${unknown}"`,
      suggestion(
        unknown,
        settingsOf(type).map(({ name }) => name),
      ),
    );
  }
  const path = `${prefix}${issue?.path.join('.') ?? ''}`;
  throw new InputError(source, `${path || 'the whole'}: ${issue?.message}`, 'see --help for what may be set, and to what');
}

/** A method's settings that count layers may have defaults beyond a small model's. Those that nobody asked for are lowered to what there is. */
export function fitToModel(
  config: RunConfig,
  { settings: asked = {} }: Pick<RunInput, 'settings'>,
  { image, text }: Pick<ClipConfig, 'image' | 'text'>,
  schemas = SCHEMAS,
): { config: RunConfig; notes: string[] } {
  const fields = settingsFor(config.method, schemas).settings;
  const { settings, notes } = settingsForLayers(
    config.method,
    fields,
    config.settings,
    asked,
    Math.min(image.layers, text.layers),
  );
  return { config: { ...config, settings }, notes };
}

/**
 * The folder of a run below the folder of all runs: `<data>/<method>-<model>-<shots>shots-<mark>/seed<seed>`; a setting whose metadata has a
 * folder is a part of it.
 * @param mark what tells runs apart that have the same names: see `folderMark`
 */
export function runName(config: RunConfig, datasetName: string, mark: string, schemas = SCHEMAS): string {
  const sections = Object.entries(settingsFor(config.method, schemas)) as [Section, readonly Setting[]][];
  const all = sections.flatMap(([section, settings]) =>
    settings.map(({ name, metadata }) => ({ ...metadata, value: valuesOf(config, section)[name] as never })),
  );
  const parts = all.flatMap(({ folder, value }) => folder?.(value) ?? []);
  const below = all.flatMap(({ subfolder, value }) => subfolder?.(value) ?? []);
  return [plain(datasetName), [...parts.map(plain), mark].join('-'), ...below.map(plain)].join('/');
}

function plain(text: string): string {
  return text.replaceAll(/[^\w.-]+/g, '_').replaceAll(/^[._]+|[._]+$/g, '') || 'unnamed';
}
