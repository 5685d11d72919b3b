/** The state of a sweep, from its files alone, so that any machine that sees them can show it. */
import type { Cell, Plan } from './cell.ts';
import { type CellRecord, holderOf, readRecord } from './record.ts';
import { isBegun, isDone, readCell } from './runs.ts';

/** `begun`: saved, with no process on it now. `left`: nothing was done yet. */
export type CellState = 'done' | 'running' | 'failed' | 'begun' | 'left';

export interface CellStatus {
  readonly index: number;
  readonly id: string;
  readonly state: CellState;
  /** Spent on it, all sessions together, as far as they ended. */
  readonly seconds: number;
  /** Who works on a running one. */
  readonly holder?: string;
  readonly reason?: string;
  readonly fix?: string;
}

export interface SweepStatus {
  readonly counts: Readonly<Record<CellState, number>>;
  /** Cells at once now, and seconds they will take for what is left; undefined before anything is done. */
  readonly running: number;
  readonly secondsLeft: number | undefined;
  readonly cells: readonly CellStatus[];
}

/** @throws FormatError for records that are damaged */
export async function sweepStatus(sweep: string, { cells }: Plan): Promise<SweepStatus> {
  const found = await Promise.all(cells.map((cell) => cellStatus(sweep, cell)));
  const counts = { done: 0, running: 0, failed: 0, begun: 0, left: 0 };
  for (const { state } of found) counts[state] += 1;
  return { counts, running: counts.running, secondsLeft: secondsLeft(cells, found, Math.max(1, counts.running)), cells: found };
}

async function cellStatus(sweep: string, cell: Cell): Promise<CellStatus> {
  const { index, id } = cell;
  let record: CellRecord | undefined;
  let damage: string | undefined;
  let summary: Awaited<ReturnType<typeof readCell>>;
  try {
    record = await readRecord(sweep, cell);
    // A summary of many classes is large; where the record says that all is done it only has to be there.
    if (record?.state === 'done' && (await isBegun(sweep, cell))) return { index, id, seconds: record.seconds, state: 'done' };
    summary = await readCell(sweep, cell);
  } catch (error) {
    damage = error instanceof Error ? error.message : String(error);
  }
  const told = { index, id, seconds: record?.seconds ?? 0 };
  const holder = await holderOf(sweep, cell);
  if (holder !== undefined) return { ...told, state: 'running', holder };
  if (damage !== undefined) return { ...told, state: 'failed', reason: damage };
  if (isDone(cell, summary)) return { ...told, state: 'done' };
  if (record?.state === 'failed') {
    const { reason = 'no reason was recorded', fix } = record;
    return { ...told, state: 'failed', reason, ...(fix !== undefined && { fix }) };
  }
  return { ...told, state: summary ? 'begun' : 'left' };
}

/** Cells that are not done take as long as those of the same method and data did; else of the same method; else as all did. */
function secondsLeft(cells: readonly Cell[], found: readonly CellStatus[], atOnce: number): number | undefined {
  const done = found.filter(({ state, seconds }) => state === 'done' && seconds > 0);
  if (done.length === 0) return undefined;
  const meanOf = (same: (cell: Cell) => boolean): number | undefined => {
    const times = done.flatMap(({ index, seconds }) => (same(cells[index] as Cell) ? [seconds] : []));
    return times.length > 0 ? times.reduce((sum, time) => sum + time, 0) / times.length : undefined;
  };
  let total = 0;
  for (const { index, state } of found) {
    if (state === 'done' || state === 'failed') continue;
    const { method, data, shots } = cells[index] as Cell;
    total +=
      meanOf((cell) => cell.method === method && cell.data === data && cell.shots === shots) ??
      meanOf((cell) => cell.method === method && cell.data === data) ??
      meanOf((cell) => cell.method === method) ??
      meanOf(() => true) ??
      0;
  }
  return total / atOnce;
}
