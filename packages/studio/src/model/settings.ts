/** Settings of methods as the page shows and the trainer reads them: all from the methods' schemas, with the defaults of the loaded model. */
import {
  beyondDefaults,
  decidedSetting,
  embeddedSettings,
  embeddedTraining,
  type LoweredSetting,
  methodNamed,
  methodNames,
  type NumberRange,
  rangeOf,
  type Setting,
  settingsForLayers,
  settingsOf,
  takesOf,
  type TrainingSettings,
} from 'mudpt/core';
import * as z from 'zod';
import type { MethodFacts, ModelFacts, SettingField, TrainingRequest } from '../worker/protocol.ts';
import { pageError } from '../worker/rpc.ts';

/** Shown at once: what people change first. */
const MAIN = ['length', 'depth', 'epochs', 'lr', 'batchSize'];

/** Values of a method's settings, complete, and what was lowered to fit the model. */
export interface ResolvedSettings {
  readonly settings: Readonly<Record<string, unknown>>;
  /** Undefined for methods that are fitted. */
  readonly training: TrainingSettings | undefined;
  readonly notes: readonly string[];
  readonly lowered: readonly LoweredSetting[];
}

/** @throws StudioError naming the setting that cannot be, and what it takes */
export function resolveSettings(
  { method, settings: asked, training: askedTraining }: Pick<TrainingRequest, 'method' | 'settings' | 'training'>,
  { kind, layers }: Pick<ModelFacts, 'kind' | 'layers'>,
): ResolvedSettings {
  const definition = methodNamed(method);
  const fields = settingsOf(definition.settings);
  const ofModel = kind === 'embedded' ? embeddedSettings(definition, asked) : {};
  const parsed = checked(definition.settings, { ...ofModel, ...asked }) as Record<string, unknown>;
  const decided = decidedSetting(fields, parsed, beyondDefaults(fields, asked));
  if (decided) throw pageError('settingDecided', decided.name, String(decided.value), decided.by.name, String(decided.by.value));
  const least = Math.min(layers.text, layers.image);
  const { settings, notes, lowered } = settingsForLayers(method, fields, parsed, asked, least);
  if (!definition.training) return { settings, training: undefined, notes, lowered };
  const preset = kind === 'embedded' ? embeddedTraining(definition) : {};
  return { settings, training: checked(definition.training, { ...preset, ...askedTraining }), notes, lowered };
}

/** Values as the schema has them. */
function checked<T>(schema: z.ZodType<T>, given: Readonly<Record<string, unknown>>): T {
  const { success, data, error } = schema.safeParse(given);
  if (success) return data;
  const [issue] = error.issues;
  const name = String(issue?.path[0] ?? '');
  const setting = settingsOf(schema).find((one) => one.name === name);
  const value = JSON.stringify(given[name]) ?? '';
  if (!setting) throw pageError('setting', name, value, issue?.message ?? '');
  const { choices, range, takes } = valuesOf(setting);
  if (choices) throw pageError('settingChoice', name, value, choices.join(', '));
  if (!range) throw pageError('setting', name, value, takes);
  const [least, above, most] = [range.least, range.above, range.most].map((end) => String(end ?? '')) as [string, string, string];
  if (range.isWhole) throw pageError('settingWhole', name, value, least, most);
  throw pageError('settingNumber', name, value, least, above, most);
}

/** What a setting takes: one of some, a range of numbers, or in words alone. */
function valuesOf({ type, metadata }: Pick<Setting, 'type' | 'metadata'>): {
  readonly choices: readonly string[] | undefined;
  readonly range: NumberRange | undefined;
  readonly takes: string;
} {
  const { enum: choices } = z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' }) as Described;
  const isSpecial = metadata.takes !== undefined;
  return {
    choices: isSpecial ? undefined : choices?.map(String),
    range: isSpecial ? undefined : rangeOf(type),
    takes: takesOf(type, metadata),
  };
}

/** All methods that learn something. Those that learn from a second model are among them, to be told of: a page holds no second one. */
export function methodFacts(model: Pick<ModelFacts, 'kind' | 'layers'>): MethodFacts[] {
  return methodNames()
    .filter((name) => name !== 'zero-shot')
    .map((name) => {
      const { title, summary, settings, training, needsTeacher = false } = methodNamed(name);
      const values = resolveSettings({ method: name, settings: {}, training: {} }, model);
      const fields = (section: SettingField['section'], schema: z.ZodType, of: Readonly<Record<string, unknown>>) =>
        settingsOf(schema).flatMap((setting) => fieldOf(section, setting, of[setting.name]));
      return {
        name,
        title,
        summary,
        isFitted: !training,
        ...(needsTeacher && { lacks: 'teacher' as const }),
        fields: [
          ...fields('settings', settings, values.settings),
          ...(training && values.training ? fields('training', training, { ...values.training }) : []),
        ],
      };
    });
}

type Described = { readonly type?: string; readonly enum?: readonly unknown[] };

/** A field of the page; none for what one line cannot hold, such as a pair of numbers. */
function fieldOf(
  section: SettingField['section'],
  { name, type, description, metadata }: Setting,
  value: unknown,
): SettingField[] {
  if (metadata.isInternal) return [];
  const { type: kind, enum: choices } = z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' }) as Described;
  const types: Readonly<Record<string, SettingField['type']>> = {
    integer: 'whole',
    number: 'number',
    boolean: 'switch',
    string: 'text',
  };
  const found = choices ? 'choice' : types[kind ?? ''];
  if (found === undefined) return [];
  const isPlain = found === 'text' || found === 'switch';
  const { range, takes } = valuesOf({ type, metadata });
  return [
    {
      section,
      name,
      description,
      ...(range && { range }),
      takes: isPlain ? '' : takes,
      type: found,
      choices: (choices ?? []).map(String),
      value,
      isMain: MAIN.includes(name),
    },
  ];
}
