/** Keeps the state of training in the browser, so that a reload, or a device that was lost, goes on to the same bits. */
import { copyInto, loadTensor, openSafetensors, serializeSafetensors, type Tensor, tensorToWrite } from '@mudpt/tensor';
import type { Extent, MetricsLine, TrainingRecorder, TrainingState } from 'mudpt/core';
import { database } from '../project/store.ts';
import type { TrainingPlan } from '../worker/protocol.ts';
import { pageError, type StudioError } from '../worker/rpc.ts';

export class StudioRecorder implements TrainingRecorder {
  private kept: MetricsLine[] = [];

  constructor(
    private readonly plan: TrainingPlan,
    private readonly isResumed: boolean,
    /** What was kept is of another training. */
    private readonly onAnew: () => void,
    /** The whole curve, where training goes on. */
    private readonly onCurve: (lines: readonly MetricsLine[]) => void,
    private readonly onLine: (line: MetricsLine) => void,
  ) {}

  get lines(): readonly MetricsLine[] {
    return this.kept;
  }

  /** @throws StudioError where what was kept belongs to other tensors */
  async restore(tensors: ReadonlyMap<string, Tensor>, extent: Extent): Promise<TrainingState | undefined> {
    const db = await database();
    const found = this.isResumed ? await db.get('training', 'current') : undefined;
    if (!found || found.plan.mark !== this.plan.mark) {
      if (found) this.onAnew();
      await db.delete('training', 'current');
      return undefined;
    }
    const { state } = found;
    if (state.epoch > extent.epochs) throw changed(`it stands at epoch ${state.epoch} of ${extent.epochs}`);
    await copyAll(found.tensors, tensors);
    this.kept = [...found.lines];
    this.onCurve(this.kept);
    return state;
  }

  async log(line: MetricsLine): Promise<void> {
    this.kept.push(line);
    this.onLine(line);
  }

  async save(tensors: ReadonlyMap<string, Tensor>, state: TrainingState): Promise<void> {
    const entries = [...tensors].map(async ([name, tensor]) => {
      const { data, ...rest } = tensorToWrite(tensor);
      return [name, { ...rest, data: typeof data === 'function' ? await data() : data }] as const;
    });
    const bytes = serializeSafetensors(new Map(await Promise.all(entries)));
    const kept = { plan: this.plan, tensors: bytes, state, lines: [...this.kept], isRunning: true };
    await (await database()).put('training', kept, 'current');
  }
}

/** Training was paused by a person: a reload waits. */
export async function markPaused(): Promise<void> {
  const db = await database();
  const found = await db.get('training', 'current');
  if (found) await db.put('training', { ...found, isRunning: false }, 'current');
}

/** All or none. */
async function copyAll(bytes: Uint8Array, targets: ReadonlyMap<string, Tensor>): Promise<void> {
  await using file = await openSafetensors(bytes);
  for (const [name, { shape }] of targets)
    if (file.tensors.get(name)?.shape.join() !== shape.join()) throw changed(`${name} has another shape there`);
  const saved = new Map<string, Tensor>();
  try {
    for (const [name, { size, device, dtype }] of targets)
      if (size > 0) saved.set(name, await loadTensor(file, name, { device, dtype }));
    for (const [name, tensor] of saved) copyInto(targets.get(name) as Tensor, tensor);
  } finally {
    for (const tensor of saved.values()) tensor.dispose();
  }
}

function changed(what: string): StudioError {
  return pageError('otherTraining', what);
}
