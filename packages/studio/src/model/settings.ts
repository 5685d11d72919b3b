/** Settings of methods as the page shows and the trainer reads them: all from the methods' schemas, with the defaults of the loaded model. */
import {
  embeddedSettings,
  embeddedTraining,
  methodNamed,
  methodNames,
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
}

/** @throws StudioError naming the setting that cannot be, and what it takes */
export function resolveSettings(
  { method, settings: asked, training: askedTraining }: Pick<TrainingRequest, 'method' | 'settings' | 'training'>,
  { kind, layers }: Pick<ModelFacts, 'kind' | 'layers'>,
): ResolvedSettings {
  const definition = methodNamed(method);
  const ofModel = kind === 'embedded' ? embeddedSettings(settingsOf(definition.settings)) : {};
  const parsed = checked(definition.settings, { ...ofModel, ...asked }) as Record<string, unknown>;
  const least = Math.min(layers.text, layers.image);
  const { settings, notes } = settingsForLayers(method, settingsOf(definition.settings), parsed, asked, least);
  if (!definition.training) return { settings, training: undefined, notes };
  const preset = kind === 'embedded' ? embeddedTraining(definition) : {};
  return { settings, training: checked(definition.training, { ...preset, ...askedTraining }), notes };
}

/** Values as the schema has them. */
function checked<T>(schema: z.ZodType<T>, given: Readonly<Record<string, unknown>>): T {
  const { success, data, error } = schema.safeParse(given);
  if (success) return data;
  const [issue] = error.issues;
  const name = String(issue?.path[0] ?? '');
  const setting = settingsOf(schema).find((one) => one.name === name);
  const takes = setting ? takesOf(setting.type, setting.metadata) : '';
  throw pageError('setting', name, JSON.stringify(given[name]) ?? '', takes === '' ? (issue?.message ?? '') : takes);
}

/** All methods that learn something from one model: a page holds no second one. */
export function methodFacts(model: Pick<ModelFacts, 'kind' | 'layers'>): MethodFacts[] {
  return methodNames()
    .filter((name) => name !== 'zero-shot' && !methodNamed(name).needsTeacher)
    .map((name) => {
      const { title, summary, settings, training } = methodNamed(name);
      const values = resolveSettings({ method: name, settings: {}, training: {} }, model);
      const fields = (section: SettingField['section'], schema: z.ZodType, of: Readonly<Record<string, unknown>>) =>
        settingsOf(schema).flatMap((setting) => fieldOf(section, setting, of[setting.name]));
      return {
        name,
        title,
        summary,
        isFitted: !training,
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
  const takes = found === 'text' || found === 'switch' ? '' : takesOf(type, metadata);
  return [
    { section, name, description, takes, type: found, choices: (choices ?? []).map(String), value, isMain: MAIN.includes(name) },
  ];
}
