/** What `--set` can set, with defaults, as a part of `train --help`. */
import type { ZodType } from 'zod';
import { methodNamed } from '../methods/index.ts';
import { runFields } from '../train/index.ts';
import { methodFlag } from './settings.ts';
import { table } from './terminal.ts';

/** Fields with flags of their own. */
const FLAGS = [
  'data',
  'root',
  'template',
  'allowOutside',
  'exif',
  'model',
  'method',
  'shots',
  'seed',
  'classes',
  'settings',
  'training',
];

/** The settings of a method, of its training and of runs. @throws MethodError for an unknown method */
export function settingsHelp(given = 'mudpt'): string {
  const method = methodFlag(given);
  const { title, settings, training } = methodNamed(method);
  const rows = [...described(settings), ...(training ? described(training) : [])];
  const others = Object.entries(runFields).filter(([name]) => !FLAGS.includes(name));
  return [
    `What --set can set for ${title} (--method NAME --help tells of another method):`,
    ...table(rows, { most: 100 }).map((line) => `  ${line}`),
    'and for every run:',
    ...table(others, { most: 100 }).map((line) => `  ${line}`),
  ].join('\n');
}

/** Name, default and meaning of every field. */
function described(schema: ZodType): string[][] {
  const { shape } = schema as unknown as { readonly shape: Readonly<Record<string, ZodType>> };
  const defaults = schema.parse({}) as Readonly<Record<string, unknown>>;
  return Object.entries(shape).map(([name, field]) => [name, short(defaults[name]), field.description ?? '']);
}

function short(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value ?? null);
  return text.length > 24 ? `${text.slice(0, 23)}…` : text;
}
