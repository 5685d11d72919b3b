/**
 * What a training step costs the host: frozen transformer blocks under a learnt input, forward, backward and AdamW, run eagerly and replayed,
 * beside a bare loop over the same pipelines, bind groups and grids.
 */
import { capture, type Captured, type Device, mseLoss, scope, tensor, type Tensor, zeros } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { AdamW, parameter, randomFrom, TransformerBlock, lossAndGradients } from '@mudpt/autograd';
import { type Effort, median, type Row } from '../harness.ts';
import { OURS } from './ours.ts';

export type StepOptions = {
  readonly layers?: number;
  readonly width?: number;
  readonly tokens?: number;
  /** Timed steps of each kind. */
  readonly samples?: number;
};

/** Times are medians in milliseconds of host work: recording and submitting, not waiting. */
export type StepCost = {
  readonly eager: number;
  readonly replayed: number;
  /** setPipeline, setBindGroup, dispatchWorkgroups for everything the step does, and one submit. */
  readonly bare: number;
  /** Fastest samples; a busy machine spoils medians first. */
  readonly best: { readonly eager: number; readonly replayed: number; readonly bare: number };
  readonly dispatches: number;
  /** Dispatches a block takes, forward and backward together. */
  readonly blockDispatches: number;
  /** Submits of one replayed step. */
  readonly submits: number;
  /** Bytes that all timed replays allocated together. */
  readonly allocatedBytes: number;
  /** Pipelines that a replayed step runs. */
  readonly pipelines: number;
  /** Most GPU memory held by eager steps, weights included, and the replayed step's arena. */
  readonly peakBytes: number;
  readonly plannedBytes: number;
};

/** A stack under training. */
class Stack {
  readonly blocks: readonly TransformerBlock[];
  readonly x: Tensor;
  readonly target: Tensor;
  readonly optimizer: AdamW;

  constructor(device: Device, layers: number, width: number, tokens: number) {
    const random = randomFrom(1);
    this.blocks = Array.from({ length: layers }, () =>
      new TransformerBlock({ width, heads: Math.max(1, width / 32), device, random }).freeze(),
    );
    this.x = parameter(tensor(Float32Array.from({ length: tokens * width }, random), { shape: [1, tokens, width], device }));
    this.target = zeros([1, tokens, width], { device });
    this.optimizer = new AdamW([this.x], { lr: 1e-3 });
  }

  readonly step = (): Tensor => {
    const { value, gradients } = lossAndGradients(() => {
      let h = this.x;
      for (const block of this.blocks) {
        const next = block.forward(h);
        if (h !== this.x) h.dispose();
        h = next;
      }
      const loss = mseLoss(h, this.target);
      if (h !== this.x) h.dispose();
      return loss;
    });
    this.optimizer.step(gradients);
    gradients.dispose();
    return value;
  };

  [Symbol.dispose](): void {
    this.optimizer.dispose();
    for (const block of this.blocks) block.dispose();
    this.x.dispose();
    this.target.dispose();
  }
}

/** Host milliseconds of `body` while the device is idle. */
async function hostTime(device: Device, body: () => void): Promise<number> {
  await device.synchronize();
  const start = performance.now();
  body();
  device.flush();
  return performance.now() - start;
}

/** A function that records and submits what `captured` replays, and nothing else. */
function bareLoop(device: Device, captured: Captured<never, Tensor>): () => void {
  const calls = nth(captured.plans, 0).commands.flatMap((command) => {
    if (command.kind !== 'dispatch' || !command.entry.pipeline || !command.group) return [];
    return [{ pipeline: command.entry.pipeline, group: command.group, offsets: command.offsets ?? [], grid: command.grid }];
  });
  const { gpu } = device;
  return () => {
    const encoder = gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const { pipeline, group, offsets, grid } of calls) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group, offsets);
      pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
    }
    pass.end();
    gpu.queue.submit([encoder.finish()]);
  };
}

/** @throws Error when the replayed steps do not lose exactly what the eager ones do */
export async function stepBench(device: Device, options: StepOptions = {}): Promise<StepCost> {
  const { layers = 12, width = 64, tokens = 16, samples = 40 } = options;
  const expected: number[] = [];
  // What other suites left in the pool would count as ours.
  await device.synchronize();
  device.trim();
  const before = device.memory().totalBytes;
  {
    using stack = new Stack(device, layers, width, tokens);
    for (let i = 0; i < 3; i += 1) expected.push(await scope(() => stack.step().item()));
  }
  // The pool gives nothing back by itself: what it holds now is the most that was held.
  const peakBytes = device.memory().totalBytes - before;
  using stack = new Stack(device, layers, width, tokens);
  using captured = capture(stack.step, { device }) as Captured<never, Tensor>;
  const replay = (): Tensor => captured({});
  for (const [i, loss] of expected.entries()) {
    const actual = await replay().item();
    if (actual !== loss) throw new Error(`step ${i} replayed loses ${actual}, the eager one ${loss}`);
  }
  const submits = device.counters().submits;
  replay();
  const submitted = device.counters().submits - submits;
  const bare = bareLoop(device, captured);
  const times = { eager: [] as number[], replayed: [] as number[], bare: [] as number[] };
  const eager = (): void => stack.step().dispose();
  await hostTime(device, eager);
  const held = device.memory().totalBytes;
  for (let i = 0; i < samples; i += 1) times.eager.push(await hostTime(device, eager));
  // In turns, so that a busy moment of the machine hits both; apart from eager steps, whose garbage would be collected during these.
  for (let i = 0; i < 2 * samples; i += 1) {
    const [kind, body] = i % 2 === 0 ? (['replayed', replay] as const) : (['bare', bare] as const);
    const time = await hostTime(device, body);
    times[kind].push(time);
  }
  const { totalBytes } = device.memory();
  const plan = nth(captured.plans, 0);
  const { steps } = plan;
  const least = (of: readonly number[]): number => Math.min(...of);
  using none = new Stack(device, 0, width, tokens);
  using rest = capture(none.step, { device });
  rest({});
  return {
    eager: median(times.eager),
    replayed: median(times.replayed),
    bare: median(times.bare),
    best: { eager: least(times.eager), replayed: least(times.replayed), bare: least(times.bare) },
    dispatches: steps.length,
    blockDispatches: (steps.length - nth(rest.plans, 0).steps.length) / layers,
    submits: submitted,
    allocatedBytes: totalBytes - held,
    pipelines: new Set(plan.commands.flatMap((command) => (command.kind === 'dispatch' ? [command.entry] : []))).size,
    peakBytes,
    plannedBytes: plan.bytes.planned,
  };
}

const ms = (value: number): string => `${value.toFixed(3)} ms`;
const MEBIBYTE = 2 ** 20;

/** The costs as lines of text. */
export function describeStep(cost: StepCost): string[] {
  const ratio = (of: { readonly replayed: number; readonly bare: number }): string => (of.replayed / of.bare).toFixed(2);
  const perDispatch = (total: number): string => `${((1000 * total) / cost.dispatches).toFixed(2)} us a dispatch`;
  return [
    `dispatches       ${cost.dispatches} a step, ${cost.blockDispatches.toFixed(1)} a block forward and backward, ${cost.pipelines} pipelines`,
    `eager step       ${ms(cost.eager)} host, ${perDispatch(cost.eager)} (best ${ms(cost.best.eager)})`,
    `replayed step    ${ms(cost.replayed)} host, ${perDispatch(cost.replayed)} (best ${ms(cost.best.replayed)}), ${cost.submits} submits, ${cost.allocatedBytes} bytes allocated`,
    `bare loop        ${ms(cost.bare)} host, ${perDispatch(cost.bare)} (best ${ms(cost.best.bare)})`,
    `replayed / bare  ${ratio(cost)} (best samples ${ratio(cost.best)})`,
    `peak memory      ${(cost.peakBytes / MEBIBYTE).toFixed(1)} MiB eager, ${(cost.plannedBytes / MEBIBYTE).toFixed(1)} MiB planned`,
  ];
}

/** For the suite: eager, replayed and bare steps as rows. */
export async function stepRows(device: Device, effort: Effort): Promise<Row[]> {
  const cost = await stepBench(device, { samples: 4 * effort.samples });
  const name = 'host time of a step, 12 frozen blocks';
  const { dispatches, submits, pipelines, allocatedBytes, peakBytes, plannedBytes } = cost;
  const row = (engine: string, kind: 'eager' | 'replayed' | 'bare', extra: Row['extra'] = {}): Row => ({
    suite: 'step',
    name,
    engine,
    best: cost.best[kind],
    median: cost[kind],
    extra: { dispatches, ...extra },
  });
  return [
    row(OURS, 'replayed', { submits, allocatedBytes, pipelines, plannedBytes }),
    row(`${OURS} eager`, 'eager', { peakBytes }),
    row('bare WebGPU calls', 'bare'),
  ];
}
