/**
 * `pnpm tune:table`: writes the package's choices of kernels, packages/tensor/src/engine/tuned-adapters.data.ts, from what was measured: every
 * results/*-tuning.json. A new one is `tuning.json` of a `pnpm gpu:proof`, under the adapter's name.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Measurement, TunedAdapters } from '@mudpt/tensor/internal';
import { RESULTS } from './results.ts';

export const TABLE = fileURLToPath(new URL('../packages/tensor/src/engine/tuned-adapters.data.ts', import.meta.url));

/** What a results file says of the adapter. */
export type TuningResults = {
  readonly adapter: Omit<TunedAdapters, 'table'> & { readonly name: string };
  readonly measured: readonly Measurement[];
};

/** A choice is worth a line where the slowest variant takes so many times as long. */
const WORTH = 1.05;
/** Families whose variants give the same bits: on CPU adapters, whose runs are repeated to the bit from version to version, only these are chosen. */
const SAME_BITS = ['pointwise', 'copy', 'gather', 'cat', 'fill'];

/** What of the measurements goes into the package; on CPU adapters, where the rules were made by measurement, only what differs from them. */
export function rowOf({ adapter, measured }: TuningResults): TunedAdapters {
  const table: Record<string, Record<string, string>> = {};
  for (const { family, key, ms, chosen } of measured) {
    const times = Object.values(ms).filter((time) => time !== undefined);
    if (Math.max(...times) < WORTH * Math.min(...times)) continue;
    const rule = Object.keys(ms)[0];
    if (adapter.kind !== 'gpu' && (rule === chosen || !SAME_BITS.includes(family))) continue;
    (table[family] ??= {})[key] = chosen;
  }
  const { kind, vendor, architecture, devices } = adapter;
  return { kind, ...(vendor && { vendor }), ...(architecture && { architecture }), ...(devices && { devices }), table };
}

/** All kept tuning results, by name of file. */
export function tuningResults(): TuningResults[] {
  const files = readdirSync(RESULTS).filter((file) => file.endsWith('-tuning.json'));
  return files.sort().map((file) => JSON.parse(readFileSync(join(RESULTS, file), 'utf8')) as TuningResults);
}

/** The data file's text. */
export function tableText(results: readonly TuningResults[]): string {
  const rows = JSON.stringify(results.map(rowOf), undefined, 2).replaceAll(/"([a-z][A-Za-z0-9_]*)":/g, '$1:');
  const quoted = rows.replaceAll(/"([^"']*)"/g, "'$1'").replaceAll(/(['}\]])(\n\s*[}\]])/g, '$1,$2');
  return `/** Written by \`pnpm tune:table\` from bench/results/*-tuning.json: see tuned-adapters.ts. */
export const TUNED_ADAPTERS = ${quoted} as const;
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const results = tuningResults();
  writeFileSync(TABLE, tableText(results));
  for (const one of results)
    console.log(
      `${one.adapter.name}: ${Object.values(rowOf(one).table).flatMap(Object.keys).length} of ${one.measured.length} choices`,
    );
}
