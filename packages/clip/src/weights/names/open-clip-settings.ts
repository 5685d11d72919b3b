/** Settings of open_clip's configurations, checked as they are read. */
import { FormatError } from '@mudpt/tensor';
import type { JsonRecord } from './json.ts';

/** A part of the configuration, and the names before its settings (`vision_cfg.`). */
export type Section = { readonly values: JsonRecord; readonly path: string };

/** A number; `otherwise` where it is absent. @throws FormatError for anything else */
export function numberSetting({ values, path }: Section, name: string, otherwise?: number): number {
  const value = values[name] ?? otherwise;
  if (typeof value !== 'number') throw badSetting(path + name, value);
  return value;
}

/** A setting that asks for what is not computed here. */
export function badSetting(
  what: string,
  value: unknown,
  fix = 'give the open_clip_config.json of a CLIP vision transformer',
): FormatError {
  const told = value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`;
  return new FormatError('fromOpenClip', `open_clip_config.json: ${what} ${told}`, fix);
}
