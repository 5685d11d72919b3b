/** Published accuracies (`assets/published.json`), with where they were read. */
import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { type Protocol, PROTOCOLS, tasksOf } from '../protocols.ts';

const row = z.strictObject({
  protocol: z.enum(PROTOCOLS),
  shots: z.int().positive(),
  /** By the names of this package. */
  method: z.string(),
  part: z.enum(['base', 'new', 'H', '']),
  source: z.string(),
  /** In percent, by data set; `average` as the source has it. */
  values: z.record(z.string(), z.number().min(0).max(100)),
});

const schema = z.strictObject({ about: z.string(), rows: z.array(row) });

export type PublishedRow = z.infer<typeof row>;

export interface PublishedTable {
  readonly rows: readonly PublishedRow[];
  readonly sources: readonly string[];
}

/** What was published for a protocol at a number of shots; undefined for nothing. */
export function published(protocol: Protocol, shots: number | 'all'): PublishedTable | undefined {
  const path = new URL('../../../assets/published.json', import.meta.url);
  const { rows } = schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const found = rows.filter((one) => one.protocol === protocol && one.shots === shots);
  return found.length === 0 ? undefined : { rows: found, sources: [...new Set(found.map(({ source }) => source))] };
}

/** Whether these are all data sets that published averages are over. */
export function isPublishedSelection(protocol: Protocol, sets: readonly string[]): boolean {
  const { train, targets } = tasksOf(protocol, ['paper11']);
  const all = [...train, ...targets];
  return all.length === sets.length && all.every((name) => sets.includes(name));
}
