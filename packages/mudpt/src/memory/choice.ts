/** Choice of rematerialization: the fastest training step within a memory budget. */
import { type Device, InputError, LimitError, type PlanCost } from '@mudpt/tensor';
import { isEqual } from '@mudpt/tensor/internal';
import { type Rematerialization, KEEP_ALL, type PromptMethod, type TowerRematerialization } from '../methods/index.ts';

/** Device memory that a run may take, weights and everything else included. */
export interface Budget {
  readonly bytes: number;
  /** Whether somebody named it. Otherwise it is a guess, which a run may exceed where there is no other way. */
  readonly isAsked: boolean;
}

/** Device memory in use; pooled memory can be released. */
export function heldBytes(device: Device): number {
  const { totalBytes, pooledBytes } = device.memory();
  return totalBytes - pooledBytes;
}

/** One rematerialization of a step, and its memory. */
export interface StepPlan {
  readonly rematerialization: Rematerialization;
  /** Most device memory while training, weights and everything else included; infinite where a tensor would be larger than the adapter binds. */
  readonly bytes: number;
  /** Floating-point operations of one captured step. */
  readonly flops: number;
  readonly dispatches: number;
}

/** The step that was chosen within a memory budget, and those it was chosen from. */
export interface StepChoice extends StepPlan {
  readonly budget: Budget;
  /** Candidates in the order they were tried, the chosen one included. */
  readonly considered: readonly StepPlan[];
}

export interface ChoiceOptions {
  readonly device: Device;
  readonly method: PromptMethod;
  readonly budget: Budget;
  /** Images of a step. */
  readonly batch: number;
  /** Memory of the step with the method's current settings. */
  cost(): PlanCost;
}

/**
 * Chooses how a step runs and sets the method to it: everything is kept if that fits; else half blocks or blocks are computed twice, in the tower
 * where it helps most or both; else towers run in two passes, in more and more micro-batches. Every candidate is recorded, not run, so that its
 * bytes are those its plan will have.
 * @throws InputError naming the smallest budget that works, when a budget was requested and no candidate fits
 */
export function chooseRematerialization(options: ChoiceOptions): StepChoice {
  const { device, method, budget, batch } = options;
  let tooLarge: LimitError | undefined;
  const considered: StepPlan[] = [];
  const plan = (rematerialization: Rematerialization): StepPlan => {
    const known = considered.find((one) => isEqual(one.rematerialization, rematerialization));
    if (known) return known;
    method.rematerialize(rematerialization);
    let cost: PlanCost = { bytes: Number.POSITIVE_INFINITY, flops: Number.POSITIVE_INFINITY, dispatches: 0 };
    try {
      cost = options.cost();
    } catch (error) {
      // A tensor is larger than the adapter binds: micro-batches may be small enough.
      if (!(error instanceof LimitError)) throw error;
      tooLarge = error;
    }
    const made = { rematerialization, ...cost, bytes: heldBytes(device) + cost.bytes };
    considered.push(made);
    return made;
  };
  const levels = { text: levelsOf(Math.ceil(method.classNames.length / TEXTS_PER_MICRO_BATCH)), image: levelsOf(batch) };
  let best = plan(KEEP_ALL);
  while (best.bytes > budget.bytes) {
    const steps = (['text', 'image'] as const).flatMap((tower) => smaller(best, tower, levels[tower], plan));
    const fitting = steps.filter(({ bytes }) => bytes <= budget.bytes).sort((a, b) => a.flops - b.flops);
    const next = fitting[0] ?? steps.sort((a, b) => a.bytes - b.bytes)[0];
    if (!next) break;
    best = next;
  }
  if (tooLarge && best.bytes === Number.POSITIVE_INFINITY) throw tooLarge;
  if (best.bytes > budget.bytes && budget.isAsked) throw tooSmall(best, heldBytes(device), budget, options);
  method.rematerialize(best.rematerialization);
  return { ...best, budget, considered };
}

/** The next rematerialization of `tower` that takes less memory than `now`, if any. */
function smaller(
  now: StepPlan,
  tower: keyof Rematerialization,
  levels: readonly TowerRematerialization[],
  plan: (rematerialization: Rematerialization) => StepPlan,
): StepPlan[] {
  const at = levels.findIndex((level) => isEqual(level, now.rematerialization[tower]));
  for (const level of levels.slice(at + 1)) {
    const next = plan({ ...now.rematerialization, [tower]: level });
    if (next.bytes < now.bytes) return [next];
  }
  return [];
}

/** Most micro-batches of a step: beyond it dispatches multiply and memory hardly shrinks. */
const MOST_MICRO_BATCHES = 64;
/** Least number of texts of a micro-batch, on average: fewer have only a few rows. */
const TEXTS_PER_MICRO_BATCH = 4;

/** The rematerializations of a tower from fastest to smallest, in up to `count` micro-batches. */
function levelsOf(count: number): readonly TowerRematerialization[] {
  const most = Math.min(count, MOST_MICRO_BATCHES);
  const counts = [...Array.from({ length: Math.ceil(Math.log2(most)) }, (_, power) => 2 ** power), most];
  return [
    { recompute: false, microBatches: 0 },
    { recompute: 'selective', microBatches: 0 },
    { recompute: true, microBatches: 0 },
    ...counts.filter((microBatches) => microBatches > 1).map((microBatches) => ({ recompute: false, microBatches })),
    { recompute: true, microBatches: most },
  ];
}

function tooSmall(best: StepPlan, held: number, budget: Budget, { method, batch }: ChoiceOptions): InputError {
  const size = (bytes: number): string =>
    bytes < 2 ** 26 ? `${Math.ceil(bytes / 2 ** 10)}KiB` : `${Math.ceil(bytes / 2 ** 20)}MiB`;
  return new InputError(
    'memory',
    `${size(budget.bytes)} do not suffice for a step of ${method.name} with ${method.classNames.length} classes and ${batch} images: ` +
      `${size(held)} are taken by the model, and the smallest step needs ${size(best.bytes - held)} more`,
    `give --memory ${size(best.bytes)} or more, or train with smaller batches or fewer classes`,
    { code: 'training.memory', values: { budget: size(budget.bytes), held: size(held), needed: size(best.bytes - held) } },
  );
}
