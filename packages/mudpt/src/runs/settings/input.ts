/** Configurations from flags, a file and assignments. */
import { readFile } from 'node:fs/promises';
import { InputError } from '@mudpt/tensor';
import { parse } from 'yaml';
import { loadPlugins, type PluginRecord } from '../../plugins/load.ts';
import { type Schemas, SCHEMAS, type Section, settingsFor } from './schemas.ts';
import type { RunInput } from './settings.ts';
import { flagValue, type Setting } from '../../settings/fields.ts';
import { suggestion } from '../../settings/suggestion.ts';

/** Flags of `train`, in camelCase as commander gives them; flags that were not given are absent. */
export interface TrainFlags {
  readonly config?: string;
  readonly set?: readonly string[];
  readonly method?: string;
  /** Loaded already. */
  readonly plugins?: readonly PluginRecord[];
  readonly [flag: string]: unknown;
}

/** `--method auto`: trains prompts, fits quick methods as well, and takes the best on validation. */
export const AUTO = 'auto';
const AUTO_BEGINS_WITH = 'mudpt';

/** The method of this name. @throws InputError for an unknown name, with a suggestion */
function methodFlag(text: string, schemas: Schemas): string {
  if (text === AUTO) return AUTO_BEGINS_WITH;
  const names = schemas.methodNames();
  if (names.includes(text)) return text;
  throw new InputError('--method', `there is no method "${text}"`, suggestion(text, names));
}

/** The flag's key among commander's options: allow-outside is allowOutside. */
export function keyOf(flag: string): string {
  return flag.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

type Loose = Record<string, unknown> & { settings: Record<string, unknown>; training: Record<string, unknown> };

/**
 * The configuration that flags describe. What is given later wins: the file of `--config`, flags, then `--set`.
 * @throws InputError for names that nothing has, suggesting one that exists
 */
export async function inputOf(flags: TrainFlags, schemas = SCHEMAS): Promise<RunInput> {
  const file = flags.config === undefined ? {} : await readConfigFile(flags.config);
  if (Array.isArray(file['plugins'])) await loadPlugins(file['plugins'] as string[]);
  const input: Loose = { ...file, settings: { ...(file['settings'] as object) }, training: { ...(file['training'] as object) } };
  if (flags.method !== undefined) input['method'] = methodFlag(flags.method, schemas);
  const method = typeof input['method'] === 'string' ? input['method'] : AUTO_BEGINS_WITH;
  const sections = settingsFor(method, schemas);
  const known = flagsOf(sections);
  for (const flag of flagsOfAll(schemas).keys()) {
    const text = flags[keyOf(flag)];
    if (text === undefined || flag === 'method') continue;
    const settings = known.get(flag);
    if (!settings) throw noSuchFlag(method, flag, [...sections.training, ...sections.settings]);
    for (const { section, name, type, metadata } of settings)
      recordOf(input, section)[name] = flagValue(flag, text, type, metadata);
  }
  if (flags.plugins && flags.plugins.length > 0) input['plugins'] = [...((file['plugins'] ?? []) as string[]), ...flags.plugins];
  for (const assignment of flags.set ?? []) assign(input, assignment, method, sections);
  return input as RunInput;
}

type Flagged = Setting & { readonly section: Section };

/** The settings that each flag sets. */
export function flagsOf(sections: Readonly<Record<Section, readonly Setting[]>>): Map<string, Flagged[]> {
  const flags = new Map<string, Flagged[]>();
  for (const section of ['run', 'training', 'settings'] as const)
    for (const setting of sections[section]) {
      const { flag } = setting.metadata;
      if (flag !== undefined) flags.set(flag, [...(flags.get(flag) ?? []), { ...setting, section }]);
    }
  return flags;
}

/** Flags of all methods, and the settings they stand for in the first method that has them. */
export function flagsOfAll(schemas = SCHEMAS): Map<string, Flagged[]> {
  const flags = new Map<string, Flagged[]>();
  for (const name of schemas.methodNames())
    for (const [flag, settings] of flagsOf(settingsFor(name, schemas))) if (!flags.has(flag)) flags.set(flag, settings);
  return flags;
}

function recordOf(input: Loose, section: Section): Record<string, unknown> {
  return section === 'run' ? input : input[section];
}

/** Puts `key=value` where the key belongs: `lr`, `training.lr`, `settings.depth`, `precision`. The value is YAML. */
function assign(input: Loose, assignment: string, method: string, sections: ReturnType<typeof settingsFor>): void {
  const at = assignment.indexOf('=');
  if (at < 1)
    throw new InputError('--set', `"${assignment}" is no assignment`, 'write --set key=value, for instance --set lr=0.01');
  const key = assignment.slice(0, at).trim();
  const text = assignment.slice(at + 1);
  const [group, name] = key.includes('.') ? [key.slice(0, key.indexOf('.')), key.slice(key.indexOf('.') + 1)] : ['', key];
  const settingIn = (section: Section): Setting | undefined => sections[section].find((setting) => setting.name === name);
  const section = (['training', 'settings', 'run'] as const).find((one) => (group === '' || group === one) && settingIn(one));
  // YAML reads nothing as null; for words it is none of them.
  const isEmpty = text.trim() === '' && section && settingIn(section)?.type.safeParse('').success;
  if (section) recordOf(input, section)[name] = isEmpty ? '' : (parse(text) as unknown);
  else {
    const all = (['run', 'training', 'settings'] as const).flatMap((one) => sections[one].map((setting) => setting.name));
    throw new InputError('--set', `${method} has no setting "${key}"`, suggestion(name, all));
  }
}

function noSuchFlag(method: string, flag: string, settings: readonly Setting[]): InputError {
  const names = settings.map(({ name }) => name).join(', ');
  const fix = names === '' ? 'leave it out: it has nothing of the kind' : `set one of ${names}`;
  return new InputError(`--${flag}`, `${method} has no ${flag}`, fix);
}

async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  const fail = (problem: string, cause?: unknown): InputError =>
    new InputError('--config', `${path} ${problem}`, 'give a YAML file such as the config.yaml of a run', { cause });
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw fail('cannot be read', cause);
  });
  let value: unknown;
  try {
    value = parse(text);
  } catch (cause) {
    throw fail(`is no YAML (${(cause as Error).message.split('\n')[0]})`, cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail('holds no settings');
  return value as Record<string, unknown>;
}
