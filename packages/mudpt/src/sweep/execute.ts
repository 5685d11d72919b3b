/** Execution of one cell from its present state to its end: locked, recorded, and stopped when asked. */
import { type Device, InputError } from '@mudpt/tensor';
import type { Cell, Plan } from './cell.ts';
import type { RunCache } from '../runs/index.ts';
import { ModelPool } from './model-pool.ts';
import { checkCellData } from './planned-data.ts';
import { holderOf, lockCell, writeRecord } from './record.ts';
import { isDone, readCell, runCell, type CellContext } from './runs.ts';

/** `finished`: it was done before. `busy`: another process works on it. */
export type Outcome = 'done' | 'finished' | 'stopped' | 'busy' | 'failed';

/** What the cells of one process share: the device, opened by the first cell that needs it, the base models, and the cache. */
export class Workplace {
  readonly models = new ModelPool();
  private opened: Promise<Device> | undefined;

  constructor(
    private readonly openDevice: () => Promise<Device>,
    readonly cache: RunCache,
  ) {}

  device(): Promise<Device> {
    this.opened ??= this.openDevice();
    return this.opened;
  }

  async close(): Promise<void> {
    this.models.dispose();
    (await this.opened?.catch(() => undefined))?.dispose();
  }
}

export interface ExecuteOptions extends Pick<CellContext, 'signal' | 'observer' | 'onFollowUp'> {
  readonly workplace: Workplace;
  /** The whole plan, with its data sets as they were planned. */
  readonly plan: Plan;
  /** Whether to wait for another process that works on the cell; it may be dead on a machine that cannot be asked. */
  readonly wait: boolean;
  /** Called with the error of a cell that failed. */
  readonly onFailure?: (error: unknown) => void;
}

/** Runs a cell. One that fails is recorded with its reason. @throws only errors that prevent the record */
export async function executeCell(sweep: string, cell: Cell, options: ExecuteOptions): Promise<Outcome> {
  const { signal, wait, workplace, onFailure } = options;
  if (await isFinished(sweep, cell)) return 'finished';
  if (!wait && (await holderOf(sweep, cell)) !== undefined) return 'busy';
  let began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  try {
    await using lock = await lockCell(sweep, cell, { wait: true, signal });
    if (await isFinished(sweep, cell)) return 'finished';
    try {
      const { observer, onFollowUp, plan } = options;
      if ((await runTeacher(sweep, cell, options)) === 'stopped') return 'stopped';
      began = performance.now();
      await checkCellData(sweep, cell, plan.head.sets, { signal, known: workplace.cache.digests });
      const isEnded = await runCell(sweep, cell, {
        device: await workplace.device(),
        models: workplace.models,
        cache: workplace.cache,
        signal,
        ...(observer && { observer }),
        ...(onFollowUp && { onFollowUp }),
      });
      await lock.expectHeld();
      await writeRecord(sweep, cell, { state: isEnded ? 'done' : 'stopped', seconds: seconds() });
      return isEnded ? 'done' : 'stopped';
    } catch (error) {
      if (signal.aborted && error === signal.reason) throw error;
      onFailure?.(error);
      await writeRecord(sweep, cell, { state: 'failed', seconds: seconds(), error });
      return 'failed';
    }
  } catch (error) {
    if (signal.aborted && error === signal.reason) return 'stopped';
    throw error;
  }
}

/** Runs the cell that teaches this one, if any, or waits for whoever runs it. @throws InputError where that fails */
async function runTeacher(sweep: string, { teacher: id }: Cell, options: ExecuteOptions): Promise<Outcome | undefined> {
  if (id === undefined) return undefined;
  const teacher = options.plan.cells.find((cell) => cell.id === id);
  if (!teacher) throw new TypeError(`the plan has no cell ${id}`);
  const { onFailure: _, ...others } = options;
  const outcome = await executeCell(sweep, teacher, { ...others, wait: true });
  if (outcome !== 'failed') return outcome;
  throw new InputError(
    'sweep',
    `the run that teaches it failed: ${id}`,
    'see `sweep status` for why, mend that, and run the sweep again',
  );
}

/** The record of a cell; damaged files are reported by the run itself. */
async function isFinished(sweep: string, cell: Cell): Promise<boolean> {
  return isDone(cell, await readCell(sweep, cell).catch(() => undefined));
}
