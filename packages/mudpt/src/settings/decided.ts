/** Settings that another setting decides, so that asking for them would have no effect. */
import { isEqual } from '@mudpt/tensor/internal';
import type { Setting } from './fields.ts';

/** A setting that was asked for, and what decides it otherwise. */
export interface DecidedSetting {
  readonly name: string;
  readonly asked: unknown;
  /** The value in force. */
  readonly value: unknown;
  /** The setting that decides it, and what that is. */
  readonly by: { readonly name: string; readonly value: unknown };
}

/**
 * The first setting among those asked for that another one decides otherwise; undefined where each has its effect.
 * @param values of all settings, those asked for among them
 */
export function decidedSetting(
  fields: readonly Setting[],
  values: Readonly<Record<string, unknown>>,
  asked: Readonly<Record<string, unknown>>,
): DecidedSetting | undefined {
  for (const { name: by, metadata } of fields) {
    const decided = metadata.decides?.(values[by] as never) ?? {};
    for (const [name, value] of Object.entries(decided))
      if (asked[name] !== undefined && !isEqual(asked[name], value))
        return { name, asked: asked[name], value, by: { name: by, value: values[by] } };
  }
  return undefined;
}

/** What is told of it. */
export function decidedText({ asked, value, by }: DecidedSetting): string {
  return `${JSON.stringify(asked)} would have no effect, because ${by.name} (${JSON.stringify(by.value)}) decides it: ${JSON.stringify(value)}`;
}

/** The values that are not the defaults of their settings: a complete configuration has those too, and nobody asked for them. */
export function beyondDefaults(
  fields: readonly Setting[],
  values: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const others = fields.filter(({ name, type }) => !isEqual(values[name], type.safeParse(undefined).data));
  return Object.fromEntries(others.map(({ name }) => [name, values[name]]));
}
