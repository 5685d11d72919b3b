/** `sweep run`: the cells of one task in this process, or all of them in several. */
import { resolve } from 'node:path';
import { Device } from '@mudpt/tensor';
import { CACHE_OFF, cachePlace } from '../cache/cache-folder.ts';
import { command, pathFromHere } from '../command.ts';
import { counted } from '../data/dataset.ts';
import { RunCache } from '../runs/index.ts';
import type { Cell, Plan } from '../sweep/cell.ts';
import { progressObserver, reasonOf } from '../sweep/child.ts';
import { dispatch, type Tally } from '../sweep/dispatch.ts';
import { commandLine } from '../sweep/engines/command-line.ts';
import { executeCell, type Outcome, Workplace } from '../sweep/execute.ts';
import { EXIT_AGAIN, EXIT_DONE, EXIT_FAILED } from '../sweep/exit-codes.ts';
import { stopOnSignals } from '../sweep/signals.ts';
import { StatusLine } from '../terminal/status-line.ts';

const WORDS: Readonly<Record<Outcome, string>> = {
  done: 'done',
  finished: 'done before',
  stopped: 'stopped, and saved',
  busy: 'with another process',
  failed: 'FAILED',
};

/** Cells of one task of an array, one after the other. */
export async function runTask(sweep: string, plan: Plan, cells: readonly Cell[], cache?: string): Promise<number> {
  const line = new StatusLine(process.stdout);
  using stop = stopOnSignals(() => line.print('asked to stop: saving'));
  const workplace = new Workplace(
    () => Device.open(),
    RunCache.ofUser(cache, (note) => line.print(note)),
  );
  const outcomes: Outcome[] = [];
  try {
    for (const cell of cells) {
      if (stop.signal.aborted) break;
      let reason: string | undefined;
      const outcome = await executeCell(sweep, cell, {
        workplace,
        plan,
        signal: stop.signal,
        wait: true,
        observer: progressObserver((text) => line.show(`${cell.id}: ${text}`)),
        onFailure: (error) => (reason = reasonOf(error)),
      });
      outcomes.push(outcome);
      line.print(endLine(cell, outcome, reason));
    }
  } finally {
    await workplace.close();
  }
  if (outcomes.length < cells.length || outcomes.includes('stopped')) return EXIT_AGAIN;
  return outcomes.includes('failed') ? EXIT_FAILED : EXIT_DONE;
}

/** All cells, `jobs` at once. */
export async function runOnThisMachine(sweep: string, plan: Plan, jobs: number, cache?: string): Promise<number> {
  const line = new StatusLine(process.stdout);
  const began = performance.now();
  using stop = stopOnSignals(() => line.print('asked to stop: the cells at hand are saved'));
  let count = 0;
  const place = cachePlace(cache);
  const tally = await dispatch(sweep, plan, {
    jobs,
    signal: stop.signal,
    program: process.argv[1] ?? '',
    folder: commandLine().folder,
    // Children start in another folder, so paths are made absolute.
    childArguments: ['sweep', 'child', resolve(sweep), '--cache', place === undefined ? CACHE_OFF : resolve(place)],
    onStart: (cell, pid) => line.print(`begin    ${cell.id} (process ${pid})`),
    onProgress: (cell, text) => line.show(`${cell.id}: ${text}`),
    onEnd: (cell, outcome, reason) => line.print(`${endLine(cell, outcome, reason)} (${++count})`),
    onCrash: (cell, how, isTriedAgain) =>
      line.print(`crashed  ${cell.id}: its process ended with ${how}${isTriedAgain ? '; it is resumed' : ''}`),
  });
  line.print(tallyText(tally, plan.cells.length, (performance.now() - began) / 1000));
  const here = pathFromHere(sweep);
  const isOpen = tally.done + tally.finished + tally.failed < plan.cells.length;
  if (isOpen) line.print(`go on with: ${command(`sweep run ${here}`)}`);
  else line.print(`tables: ${command(`collect ${here}`)}`);
  if (isOpen) return EXIT_AGAIN;
  return tally.failed > 0 ? EXIT_FAILED : EXIT_DONE;
}

export function endLine({ id }: Cell, outcome: Outcome, reason: string | undefined): string {
  return `${WORDS[outcome].padEnd(8)} ${id}${reason === undefined ? '' : `: ${reason}`}`;
}

function tallyText(tally: Tally, cells: number, seconds: number): string {
  const parts = (Object.keys(WORDS) as Outcome[])
    .filter((outcome) => tally[outcome] > 0)
    .map((outcome) => `${tally[outcome]} ${WORDS[outcome]}`);
  return `${counted(cells, 'cell', 'cells')}: ${parts.join(', ') || 'none begun'}; ${seconds.toFixed(0)} s`;
}
