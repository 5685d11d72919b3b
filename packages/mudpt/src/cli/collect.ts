/** `pnpm collect`: a sweep's runs as the papers' tables, curves and paired tests. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { csvLine } from '@mudpt/clip';
import { InputError, writeFileAtomic } from '@mudpt/tensor';
import { pathFromHere } from '../command.ts';
import type { Spread } from '../evaluation/statistics.ts';
import type { Plan } from '../sweep/cell.ts';
import { readPlan } from '../sweep/plan.ts';
import { comparePairs, type MethodPair, PAIR_NOTES, pairRows, type Pairs } from '../sweep/tables/pairs.ts';
import { readPredictions } from '../sweep/runs.ts';
import { tablesOf } from '../sweep/tables/protocol-tables.ts';
import { EXTENSIONS, type Format, FORMATS, render } from '../sweep/tables/render.ts';
import { type Gap, readResults } from '../sweep/tables/results.ts';
import type { Table } from '../sweep/tables/table.ts';
import { table as aligned } from '../terminal/text.ts';

export interface CollectFlags {
  readonly format: Format;
  readonly spread: Spread;
  readonly pair?: readonly string[];
  readonly against?: 'published';
  readonly out?: string;
}

/** Runs the command: every format goes into the folder, one of them to the terminal. @returns exit code: 1 where cells are gaps */
export async function collectCommand(sweep: string, flags: CollectFlags): Promise<number> {
  const plan = await readPlan(sweep);
  const results = await readResults(sweep, plan);
  const tables = tablesOf(plan, results, { spread: flags.spread, isPublishedBeside: flags.against === 'published' });
  const pairs =
    flags.pair === undefined
      ? undefined
      : await comparePairs(plan, flags.pair.map(pairOf), (cell, on) => readPredictions(sweep, cell, on));
  const folder = flags.out ?? join(sweep, 'tables');
  await mkdir(folder, { recursive: true });
  const write = (name: string, text: string): Promise<void> => writeFileAtomic('collect', join(folder, name), text);
  for (const table of tables)
    for (const format of FORMATS) await write(`${table.name}.${EXTENSIONS[format]}`, render(table, format));
  if (pairs) {
    await write('pairs.txt', pairText(pairs));
    await write('pairs.csv', `${pairRows(pairs).map(csvLine).join('\n')}\n`);
  }
  for (const [name, chart] of await chartsOf(plan, tables)) await write(name, chart);
  process.stdout.write([...tables.map((table) => render(table, flags.format)), ...(pairs ? [pairText(pairs)] : [])].join('\n'));
  for (const text of gapLines([...results.gaps, ...(pairs?.gaps ?? [])])) process.stderr.write(`${text}\n`);
  process.stderr.write(`written to ${pathFromHere(folder)}\n`);
  return results.gaps.length > 0 ? 1 : 0;
}

function pairOf(text: string): MethodPair {
  const [a, b, ...more] = text.split(',').map((part) => part.trim());
  if (!a || !b || more.length > 0)
    throw new InputError(
      '--pair',
      `"${text}" is no pair`,
      'write two methods of the sweep with a comma: --pair mudpt,maple, and the flag again for two others',
    );
  return [a, b];
}

function pairText(pairs: Pairs): string {
  const rows = aligned(pairRows(pairs), { right: [3, 4, 7, 8, 9], most: Number.POSITIVE_INFINITY });
  return ['paired tests on the same test images', '', ...rows, '', ...PAIR_NOTES, ''].join('\n');
}

/** Curves of the few-shot protocol, where there is more than one number of shots. */
async function chartsOf({ head }: Plan, tables: readonly Table[]): Promise<[string, string][]> {
  const shots = head.protocols.find(({ name }) => name === 'few-shot')?.shots ?? [];
  if (shots.length < 2) return [];
  const { fewShotCurves } = await import('../sweep/tables/curves.ts');
  const byShots = shots.flatMap((count) => {
    const table = tables.find(({ name }) => name === `few-shot-${count}shots`);
    return table ? [{ shots: count, table }] : [];
  });
  return [...fewShotCurves(byShots)].map(([title, chart]) => [`few-shot-${title.replaceAll(/[^\w.-]+/g, '_')}.svg`, chart]);
}

/** Gaps grouped by reason. */
function gapLines(gaps: readonly Gap[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const { id, reason } of gaps) byReason.set(reason, [...(byReason.get(reason) ?? []), id]);
  return [...byReason].map(
    ([reason, ids]) =>
      `${ids.length} ${ids.length === 1 ? 'gap' : 'gaps'}: ${reason} (${ids.slice(0, 3).join(', ')}${ids.length > 3 ? '...' : ''})`,
  );
}
