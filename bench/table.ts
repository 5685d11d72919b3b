/** Results as text: one line a problem, this engine's time first, then how many times longer the others took. */
import type { Row } from './harness.ts';
import type { Peaks } from '@mudpt/testing/measure/peaks';
import { OURS } from './suites/ours.ts';

const ms = (value: number): string => (value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(2) : value.toFixed(3));

/** Rows grouped by problem; engines in order of appearance. Shares of the adapter's peak are taken of the time that other programs do not spoil. */
export function table(rows: readonly Row[], peaks: Peaks): string[] {
  const names = [...new Set(rows.map((row) => row.name))];
  return names.flatMap((name) => {
    const here = rows.filter((row) => row.name === name);
    const ours = here.find((row) => row.engine === OURS && !row.problem);
    return [name, ...here.map((row) => `  ${line(row, ours, peaks)}`)];
  });
}

function line(row: Row, ours: Row | undefined, peaks: Peaks): string {
  const engine = row.engine.padEnd(20);
  if (row.problem) return `${engine} ${row.problem}`;
  const isTimed = !Number.isNaN(row.best);
  const rates = [
    row.flops && isTimed ? `${(row.flops / row.best / 1e6).toFixed(1)} GFLOP/s` : '',
    row.flops && !isTimed ? `${(row.flops / 1e9).toFixed(1)} GFLOP` : '',
    row.flops && row.busy ? `${(row.flops / row.busy / 1e4 / peaks.gflops).toFixed(0)} % of peak` : '',
    row.bytes ? `${(row.bytes / row.best / 1e6).toFixed(1)} GB/s` : '',
  ].filter(Boolean);
  const ratio = isTimed && ours && row !== ours ? `${(row.best / ours.best).toFixed(2)}x the time of ${OURS}` : '';
  const extra = Object.entries(row.extra ?? {}).map(([key, value]) => `${key} ${value}`);
  const figures = isTimed && `best ${ms(row.best).padStart(7)} ms  median ${ms(row.median).padStart(7)} ms`;
  return [engine, figures, ...rates, ...extra, ratio].filter(Boolean).join('  ');
}
