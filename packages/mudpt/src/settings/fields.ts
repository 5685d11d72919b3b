/** Fields of a settings schema, from which flags, help, folder names and identities follow. */
import { InputError } from '@mudpt/tensor';
import * as z from 'zod';
import { type SettingMetadata, settingMetadata } from './metadata.ts';

/** One entry of a schema of settings. */
export interface Setting {
  /** Its key in a configuration. */
  readonly name: string;
  readonly type: z.ZodType;
  readonly description: string;
  readonly metadata: SettingMetadata;
}

/** The entries of a schema, in its order. @throws TypeError when it is no object schema */
export function settingsOf(schema: z.ZodType): Setting[] {
  if (!(schema instanceof z.ZodObject)) throw new TypeError('the schema of settings must be a z.object or z.strictObject');
  const shape = schema.shape as Readonly<Record<string, z.ZodType>>;
  return Object.entries(shape).map(([name, type]) => ({
    name,
    type,
    description: type.description ?? '',
    metadata: settingMetadata.get(type) ?? {},
  }));
}

/** A setting's type with another default. Description and metadata stay. */
export function withDefault<T extends z.ZodType>(type: z.ZodDefault<T>, value: z.output<T>): z.ZodDefault<T> {
  const changed = type.unwrap().default(value as z.util.NoUndefined<z.output<T>>) as z.ZodDefault<T>;
  const metadata = settingMetadata.get(type);
  if (metadata) settingMetadata.add(changed, metadata);
  return type.description === undefined ? changed : changed.describe(type.description);
}

type Described = {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Described[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
};

function describedBy(type: z.ZodType): Described {
  return z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' }) as Described;
}

/** Whether it is true or false, so that its flag takes no value. */
export function isSwitch({ type }: Pick<Setting, 'type'>): boolean {
  return [describedBy(type).type ?? []].flat().includes('boolean');
}

/** The values of a type in words: `a whole number from 1 up`. */
export function takesOf(type: z.ZodType, metadata: SettingMetadata = {}): string {
  return metadata.takes ?? inWords(describedBy(type));
}

function inWords({ type, const: only, enum: choices, anyOf, ...range }: Described): string {
  if (only !== undefined) return JSON.stringify(only);
  if (choices) return `one of ${choices.join(', ')}`;
  if (anyOf) {
    // Numbers before words: "a whole number from 1 up, or "all"".
    const [words, others] = [anyOf.filter((one) => one.const !== undefined), anyOf.filter((one) => one.const === undefined)];
    return [...others, ...words].map(inWords).join(', or ');
  }
  const numbers = rangeOfDescribed({ type, ...range });
  if (!numbers) return type === undefined ? 'something else' : `a ${[type].flat().join(' or ')}`;
  const { isWhole, least, above, most } = numbers;
  return [
    isWhole ? 'a whole number' : 'a number',
    ...(least === undefined ? [] : [`from ${least}`]),
    ...(above === undefined ? [] : [`above ${above}`]),
    ...(most !== undefined ? [`to ${most}`] : least === undefined ? [] : ['up']),
  ].join(' ');
}

/** The numbers that a setting takes; ends that are left out are open. */
export interface NumberRange {
  readonly isWhole: boolean;
  readonly least?: number;
  /** Whether a bound does not belong to the range. */
  readonly above?: number;
  readonly most?: number;
}

/** Undefined for types that are not one range of numbers. */
export function rangeOf(type: z.ZodType): NumberRange | undefined {
  return rangeOfDescribed(describedBy(type));
}

function rangeOfDescribed({ type, minimum, exclusiveMinimum: above, maximum }: Described): NumberRange | undefined {
  const isWhole = type === 'integer';
  if (!isWhole && type !== 'number') return undefined;
  const least = isWhole && above !== undefined ? above + 1 : minimum;
  return {
    isWhole,
    ...(least !== undefined && least > Number.MIN_SAFE_INTEGER && { least }),
    ...(!isWhole && above !== undefined && { above }),
    ...(maximum !== undefined && maximum !== Number.MAX_SAFE_INTEGER && { most: maximum }),
  };
}

/**
 * The value of a flag from its text, parsed as a number where the type has numbers.
 * @param flag as it was typed, without dashes
 * @throws InputError that names the valid values
 */
export function flagValue<T>(flag: string, text: unknown, type: z.ZodType<T>, metadata: SettingMetadata = {}): T {
  const { success, data } = type.safeParse(typeof text === 'string' && takesNumbers(describedBy(type)) ? numberOr(text) : text);
  if (success) return data;
  const takes = takesOf(type, metadata);
  throw new InputError(`--${flag}`, `"${String(text)}" is not ${takes}`, `give ${takes}`);
}

function takesNumbers({ type, anyOf }: Described): boolean {
  return type === 'integer' || type === 'number' || (anyOf?.some(takesNumbers) ?? false);
}

function numberOr(text: string): number | string {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
