/** Settings of open_clip's configurations, checked as they are read. */
import { FormatError } from '@mudpt/tensor';
import type { JsonRecord } from './json.ts';

/** A number; `otherwise` where it is absent. @throws FormatError for anything else */
export function numberSetting(from: JsonRecord, name: string, otherwise?: number): number {
  const value = from[name] ?? otherwise;
  if (typeof value !== 'number') throw badSetting(name, value);
  return value;
}

/** A setting that asks for what is not computed here. */
export function badSetting(
  what: string,
  value: unknown,
  fix = 'give the open_clip_config.json of a CLIP vision transformer',
): FormatError {
  return new FormatError('fromOpenClip', `${what} is ${JSON.stringify(value)}`, fix);
}
