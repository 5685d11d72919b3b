/** Values of parsed JSON, checked as they are read. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/** `value` where it is an object, else one without entries. */
export function recordOf(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Three numbers; undefined for anything else. */
export function tripleOf(value: unknown): readonly [number, number, number] | undefined {
  if (!Array.isArray(value) || value.length !== 3 || !value.every((item) => typeof item === 'number')) return undefined;
  const [a, b, c] = value as number[];
  return a === undefined || b === undefined || c === undefined ? undefined : [a, b, c];
}
