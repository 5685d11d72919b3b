/** From words on the command line to a configuration. */
import { readFile } from 'node:fs/promises';
import { FormatError } from '@mudpt/tensor';
import { parse } from 'yaml';
import { methodNamed, methodNames } from '../methods/index.ts';
import { bytesOfSize } from '../memory/budget.ts';
import { runFields, type RunInput } from '../train/index.ts';

/** What `pnpm train` was given; a flag that was not is absent. */
export interface TrainFlags {
  readonly config?: string;
  readonly data?: string;
  readonly root?: string;
  readonly template?: string;
  readonly model?: string;
  readonly method?: string;
  readonly shots?: string;
  readonly seed?: string;
  readonly epochs?: string;
  readonly depth?: string;
  readonly length?: string;
  readonly batch?: string;
  readonly lr?: string;
  readonly classes?: string;
  readonly memory?: string;
  readonly allowOutside?: boolean;
  readonly exif?: 'ignore' | 'apply';
  readonly set?: readonly string[];
}

type Loose = Record<string, unknown> & { settings: Record<string, unknown>; training: Record<string, unknown> };

/**
 * The configuration that flags describe. What is given later wins: the file of `--config`, flags, then `--set`.
 * @throws FormatError for names that nothing has, suggesting one that exists
 */
export async function inputOf(flags: TrainFlags): Promise<RunInput> {
  const file = flags.config === undefined ? {} : await readConfigFile(flags.config);
  const input: Loose = { ...file, settings: { ...(file['settings'] as object) }, training: { ...(file['training'] as object) } };
  for (const name of [
    'data',
    'root',
    'template',
    'model',
    'method',
    'shots',
    'seed',
    'classes',
    'memory',
    'allowOutside',
    'exif',
  ] as const)
    if (flags[name] !== undefined) input[name] = flags[name];
  if (flags.shots !== undefined && flags.shots !== 'all') input['shots'] = shotsFlag(flags.shots);
  if (flags.seed !== undefined) input['seed'] = numberFlag('seed', flags.seed, { least: 0, whole: true });
  if (flags.memory !== undefined && flags.memory !== 'auto' && bytesOfSize(flags.memory) === undefined)
    throw new FormatError('--memory', `"${flags.memory}" is no size`, 'give one such as 2GiB or 800MB, or auto');
  if (flags.method !== undefined) input['method'] = methodFlag(flags.method);
  const method = typeof input['method'] === 'string' ? input['method'] : 'mudpt';
  const names = namesOf(method);
  const training = { epochs: flags.epochs, batchSize: flags.batch, lr: flags.lr };
  for (const [name, value] of Object.entries(training)) {
    if (value === undefined) continue;
    if (!names.training.includes(name)) throw lacks(method, name, names.training);
    input.training[name] = numberFlag(FLAG_OF[name] ?? name, value, RANGES[name]);
  }
  for (const name of ['depth', 'length'] as const) {
    const value = flags[name];
    if (value === undefined) continue;
    // Methods with prompts in both towers may count them apart: textDepth, imageDepth.
    const own = names.settings.filter((setting) => setting.toLowerCase().endsWith(name));
    if (own.length === 0) throw lacks(method, name, names.settings);
    for (const setting of own) input.settings[setting] = numberFlag(name, value, { least: 0, whole: true });
  }
  for (const assignment of flags.set ?? []) assign(input, assignment, method);
  return input as RunInput;
}

/** Puts `key=value` where the key belongs: `lr`, `training.lr`, `settings.depth`, `precision`. The value is YAML. */
function assign(input: Loose, assignment: string, method: string): void {
  const at = assignment.indexOf('=');
  if (at < 1)
    throw new FormatError('--set', `"${assignment}" is no assignment`, 'write --set key=value, for instance --set lr=0.01');
  const key = assignment.slice(0, at).trim();
  const value: unknown = parse(assignment.slice(at + 1));
  const names = namesOf(method);
  const [group, rest] = key.includes('.') ? [key.slice(0, key.indexOf('.')), key.slice(key.indexOf('.') + 1)] : ['', key];
  if ((group === '' || group === 'training') && names.training.includes(rest)) input.training[rest] = value;
  else if ((group === '' || group === 'settings') && names.settings.includes(rest)) input.settings[rest] = value;
  else if (group === '' && names.top.includes(rest)) input[rest] = value;
  else {
    const all = [...names.top, ...names.training, ...names.settings];
    throw new FormatError('--set', `${method} has no setting "${key}"`, suggestion(rest, all));
  }
}

const FLAG_OF: Readonly<Record<string, string>> = { batchSize: 'batch' };
const RANGES: Readonly<Record<string, NumberRange>> = {
  epochs: { least: 1, whole: true },
  batchSize: { least: 1, whole: true },
};

function shotsFlag(text: string): number {
  if (/^\d+$/.test(text) && Number(text) >= 1) return numberFlag('shots', text, { least: 1, whole: true });
  throw new FormatError('--shots', `"${text}" is no number of pictures`, 'give a whole number from 1 up, or "all"');
}

/** Trains prompts, fits what is fitted in seconds, and takes what is best on validation. */
export const AUTO = 'auto';

/** A method by its name. @throws FormatError suggesting one that exists */
export function methodFlag(text: string): string {
  if (text === AUTO) return 'mudpt';
  const names = methodNames();
  if (names.includes(text)) return text;
  throw new FormatError('--method', `there is no method "${text}"`, suggestion(text, names));
}

interface Names {
  readonly top: readonly string[];
  readonly training: readonly string[];
  readonly settings: readonly string[];
}

/** What may be set. */
export function namesOf(method: string): Names {
  const { settings, training } = methodNamed(method);
  const keys = (value: unknown): string[] => (typeof value === 'object' && value !== null ? Object.keys(value) : []);
  const top = Object.keys(runFields).filter((name) => name !== 'settings' && name !== 'training');
  return { top, training: training ? keys(training.parse({})) : [], settings: keys(settings.parse({})) };
}

function lacks(method: string, name: string, own: readonly string[]): FormatError {
  const fix = own.length > 0 ? `set one of ${own.join(', ')}` : 'leave it out: it has nothing of the kind';
  return new FormatError(`--${name}`, `${method} has no ${name}`, fix);
}

export interface NumberRange {
  readonly least?: number;
  readonly most?: number;
  readonly whole?: boolean;
}

/** A number given as a flag. @throws FormatError that says what the flag takes */
export function numberFlag(
  name: string,
  text: string,
  { least = -Infinity, most = Infinity, whole = false }: NumberRange = {},
): number {
  const value = Number(text);
  const fits = text.trim() !== '' && Number.isFinite(value) && value >= least && value <= most;
  if (fits && (!whole || Number.isSafeInteger(value))) return value;
  const kind = whole ? 'a whole number' : 'a number';
  const bounds = [
    ...(least > -Infinity ? [`from ${least}`] : []),
    ...(most < Infinity ? [`to ${most}`] : least > -Infinity ? ['up'] : []),
  ];
  throw new FormatError(
    `--${name}`,
    `"${text}" is not ${kind}${bounds.length > 0 ? ` ${bounds.join(' ')}` : ''}`,
    `give ${kind}`,
  );
}

async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  const fail = (problem: string, cause?: unknown): FormatError =>
    new FormatError('--config', `${path} ${problem}`, 'give a YAML file such as the config.yaml of a run', { cause });
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

/** "Did you mean" for the nearest name, or all names. */
export function suggestion(given: string, names: readonly string[]): string {
  const [nearest] = [...names].sort((a, b) => distance(given, a) - distance(given, b));
  if (nearest !== undefined && distance(given, nearest) <= Math.max(2, given.length / 3)) return `did you mean ${nearest}?`;
  return `use one of ${names.join(', ')}`;
}

/** Levenshtein's: letters to insert, remove or replace. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1]?.toLowerCase() === b[j - 1]?.toLowerCase() ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, replaced));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
