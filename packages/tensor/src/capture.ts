/**
 * Captured functions: the GPU work of a function of tensors is recorded once and replayed afterwards, without running its JavaScript.
 * The same kernels run on the same values, so results have the same bits as an eager call.
 */
import type { PlanCost } from './engine/capture.ts';
import type { Plan } from './engine/plan.ts';
import {
  type CaptureInput,
  type CaptureSchema,
  expectInputs,
  expectSchema,
  type InputShape,
  isTensor,
  signature,
  withSchema,
} from './capture-inputs.ts';
import { feedAll, secondHandle } from './capture-feed.ts';
import { type AsTensors, type Entry, type Inputs, measured, record } from './capture-record.ts';
import { currentDevice, type Device, engineOf } from './device.ts';
import { expectOptions } from './definition/options.ts';
import { CaptureError } from './errors.ts';
import { noteWork } from './definition/op.ts';
import { mapTensors } from './scope.ts';
import { ENDED } from './engine/storage.ts';

/** A captured function. Call it as often as you like, and dispose it in the end. */
export type Captured<N extends string, R> = {
  /**
   * Runs the step. A call of equal shapes overwrites the results of the one before: read or copy them first, or feed them back as inputs.
   * Older ones are released then, and refuse to be used.
   */
  (inputs: Inputs<N>): R;
  /**
   * The memory that a plan for inputs of these shapes would add to what is allocated now. The body runs, but nothing is allocated for it or done
   * on the device.
   */
  cost(inputs: Readonly<Record<N, InputShape>>): PlanCost;
  /** Plans recorded so far, one for every combination of input shapes. */
  readonly plans: readonly Plan[];
  /** Releases all plans and their results. */
  dispose(): void;
  [Symbol.dispose](): void;
};

/** Combinations of input shapes kept at once; beyond it the oldest plan is released. */
const MAX_PLANS = 8;

/**
 * Captures `body` at its first call and whenever the shapes or dtypes of its inputs change.
 *
 * Inside `body` nothing needs disposing. What changes from call to call must be an input: a number read from outside is recorded
 * once and stays. Inputs are copied in: what the body writes into one is not seen in the tensor of the call.
 * @throws CaptureError for what cannot be captured: reading from the GPU, writing host data into a tensor, an async body, a call of a captured function
 * @example
 * const step = capture(({ x }: { x: Tensor }) => x.mul(0.5));
 * const first = step({ x: { data: [4], shape: [1] } });
 * console.log(await step({ x: first }).item()); // 1
 * step.dispose();
 */
export function capture<N extends string, R>(
  body: (inputs: AsTensors<N>) => R,
  options?: { readonly device?: Device },
): Captured<N, R>;
/**
 * The same with a schema, the dtype of each input by name: an input that is misspelt, in the body or in a call, does not compile and is an error in JavaScript; host
 * data and numbers take their dtype from there.
 * @throws CaptureError for names that are not those of the schema; DTypeError for a tensor of another dtype
 * @example
 * const pick = capture({ x: 'f32', place: 'i32' }, ({ x, place }) => x.indexSelect(0, place));
 * console.log(await pick({ x: { data: [5, 6, 7], shape: [3] }, place: { data: [2], shape: [1] } }).data()); // [7]
 * pick.dispose();
 */
export function capture<const S extends CaptureSchema, R>(
  schema: S,
  body: (inputs: AsTensors<keyof S & string>) => R,
  options?: { readonly device?: Device },
): Captured<keyof S & string, R>;
export function capture<N extends string, R>(
  first: CaptureSchema | ((inputs: AsTensors<N>) => R),
  second?: { readonly device?: Device } | ((inputs: AsTensors<N>) => R),
  third?: { readonly device?: Device },
): Captured<N, R> {
  if (typeof first === 'function') return captured(first, (second ?? {}) as { readonly device?: Device }, undefined);
  expectSchema(first);
  if (typeof second !== 'function')
    throw new CaptureError('capture', 'there is no body after the schema', "give capture({ x: 'f32' }, ({ x }) => ...)");
  return captured(second, third ?? {}, first);
}

function captured<N extends string, R>(
  body: (inputs: AsTensors<N>) => R,
  options: { readonly device?: Device },
  schema: CaptureSchema | undefined,
): Captured<N, R> {
  const entries = new Map<string, Entry<R>>();
  const release = (entry: Entry<R>): void => {
    retire(entry, () => ENDED);
    for (const tensor of entry.made) tensor.dispose();
    for (const tensor of Object.values(entry.placeholders)) tensor.dispose();
    entry.plan.dispose();
  };
  expectOptions('capture', options, ['device']);
  const run = (given: Inputs<N>): R => {
    expectInputs(given);
    const inputs = schema ? (withSchema(schema, given) as Inputs<N>) : given;
    const device = options.device ?? deviceOf(inputs);
    if (engineOf(device).capturing)
      throw new CaptureError(
        'capture',
        'a captured function was called inside the body of another, whose plan cannot contain a replay',
        'call the plain function there, and capture only the outer one',
      );
    const key = Object.entries<CaptureInput>(inputs)
      .map(([name, input]) => `${name}:${signature(input)}`)
      .join(';');
    let entry = entries.get(key);
    if (!entry) {
      entry = record(device, body, inputs);
      entries.set(key, entry);
      const [oldest] = entries;
      if (entries.size > MAX_PLANS && oldest) {
        release(oldest[1]);
        entries.delete(oldest[0]);
      }
    }
    const { outside, made } = entry;
    noteWork('capture', () => ({
      reads: [...Object.values<CaptureInput>(inputs).filter(isTensor), ...outside],
      writes: [...made],
    }));
    feedAll(entry.placeholders, inputs);
    entry.plan.replay();
    return handOut(entry);
  };
  const dispose = (): void => {
    for (const entry of entries.values()) release(entry);
    entries.clear();
  };
  const cost = (inputs: Readonly<Record<N, InputShape>>): PlanCost => {
    const device = options.device ?? currentDevice('capture');
    return measured(device, body, schema ? (withSchema(schema, inputs) as typeof inputs) : inputs);
  };
  const plans = { get: (): readonly Plan[] => [...entries.values()].map((entry) => entry.plan), enumerable: true };
  const methods = { cost: { value: cost }, dispose: { value: dispose }, [Symbol.dispose]: { value: dispose } };
  return Object.defineProperties(run, { plans, ...methods }) as Captured<N, R>;
}

/** Ends the handles of the last call, because their memory is about to be overwritten or reused. */
function retire<R>(entry: Entry<R>, next: (generation: number) => number): void {
  for (const tensor of entry.given) tensor.dispose();
  entry.given = [];
  for (const storage of entry.overwritten) storage.generation = next(storage.generation);
}

/** The result with new handles for this call. */
function handOut<R>(entry: Entry<R>): R {
  retire(entry, (generation) => generation + 1);
  return mapTensors(entry.result, (tensor) => {
    if (!entry.made.has(tensor)) return tensor;
    const handle = secondHandle(tensor);
    entry.given.push(handle);
    return handle;
  });
}

function deviceOf(inputs: Readonly<Record<string, CaptureInput>>): Device {
  for (const input of Object.values(inputs)) if (isTensor(input)) return input.device;
  return currentDevice('capture');
}
