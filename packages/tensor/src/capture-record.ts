/** Recording of a captured function's body: its inputs become placeholders, what it does a plan. */
import type { PlanCost } from './engine/capture.ts';
import type { Plan } from './engine/plan.ts';
import { measurePlan, recordPlan } from './engine/record-plan.ts';
import { type CaptureInput, dtypeOf, type InputShape, shapeOf } from './capture-inputs.ts';
import { type Device, engineOf } from './device.ts';
import { expectSynchronous } from './context.ts';
import { CaptureError } from './errors.ts';
import { withHook } from './definition/op.ts';
import { eachTensor, keep, scope } from './scope.ts';
import type { Storage } from './engine/storage.ts';
import { empty } from './definition/views.ts';
import { type Tensor, tensorsMade } from './tensor.ts';

export type AsTensors<N extends string> = Readonly<Record<N, Tensor>>;
export type Inputs<N extends string> = Readonly<Record<N, CaptureInput>>;

/** A plan, and what belongs to it. */
export type Entry<R> = {
  readonly plan: Plan;
  readonly placeholders: Readonly<Record<string, Tensor>>;
  /** The value that the body returned; every call gets handles of its own from it. */
  readonly result: R;
  /** Tensors in the result: made by the body, or passed through from its inputs. Callers get handles of these. */
  readonly made: ReadonlySet<Tensor>;
  /** Memory of the result that every call overwrites. */
  readonly overwritten: ReadonlySet<Storage>;
  /** Tensors from outside that the body read. */
  readonly outside: readonly Tensor[];
  /** Handles given out by the last call. */
  given: Tensor[];
};

export function record<N extends string, R>(device: Device, body: (inputs: AsTensors<N>) => R, inputs: Inputs<N>): Entry<R> {
  const placeholders = placeholdersFor<N>(device, inputs);
  try {
    const before = tensorsMade();
    const outside = new Set<Tensor>();
    const see = (tensor: Tensor): void => void (tensor.id <= before && outside.add(tensor));
    const { result, plan } = recordPlan(engineOf(device), () => trace(body, placeholders, see));
    const fed = new Set(Object.values<Tensor>(placeholders));
    for (const tensor of fed) outside.delete(tensor);
    const made = new Set<Tensor>();
    eachTensor(result, (tensor) => void ((tensor.id > before || fed.has(tensor)) && made.add(keep(tensor))));
    const fedMemory = new Set([...fed].map(({ storage }) => storage));
    const storages = [...made].map(({ storage }) => storage);
    const overwritten = new Set(storages.filter((storage) => fedMemory.has(storage) || plan.owns(storage.buffer)));
    return { plan, placeholders, result, made, overwritten, outside: [...outside], given: [] };
  } catch (error) {
    for (const tensor of Object.values<Tensor>(placeholders)) tensor.dispose();
    throw error;
  }
}

export function measured<N extends string, R>(
  device: Device,
  body: (inputs: AsTensors<N>) => R,
  inputs: Readonly<Record<N, InputShape>>,
): PlanCost {
  const placeholders = placeholdersFor<N>(device, inputs);
  try {
    const before = tensorsMade();
    const { result, cost } = measurePlan(engineOf(device), () => trace(body, placeholders, () => undefined));
    eachTensor(result, (tensor) => void (tensor.id > before && tensor.dispose()));
    const inputBytes = Object.values<Tensor>(placeholders).reduce((sum, { storage }) => sum + storage.buffer.bytes, 0);
    return { ...cost, bytes: cost.bytes + inputBytes };
  } finally {
    for (const tensor of Object.values<Tensor>(placeholders)) tensor.dispose();
  }
}

function placeholdersFor<N extends string>(device: Device, inputs: Readonly<Record<N, CaptureInput | InputShape>>): AsTensors<N> {
  const placeholders: Record<string, Tensor> = {};
  for (const [name, input] of Object.entries<CaptureInput | InputShape>(inputs))
    placeholders[name] = keep(empty(device, shapeOf(input), dtypeOf(input)));
  return placeholders as AsTensors<N>;
}

/** Runs the body to record its commands; `see` gets every tensor that they use. A surrounding tape does not record it. */
function trace<N extends string, R>(
  body: (inputs: AsTensors<N>) => R,
  placeholders: AsTensors<N>,
  see: (tensor: Tensor) => void,
): R {
  return withHook(
    (op, args) => {
      eachTensor(args, see);
      return op.run(...(args as never[]));
    },
    () => {
      const value = scope(() => body(onlyGiven(placeholders)));
      expectSynchronous('capture', value, 'await before or after it: the captured part only records', CaptureError);
      return value;
    },
    { onWork: (_, reads) => reads.forEach(see), op: 'capture' },
  );
}

/** The inputs, where reading a name that no call gives is an error instead of undefined. */
function onlyGiven<N extends string>(placeholders: AsTensors<N>): AsTensors<N> {
  const names = Object.keys(placeholders);
  return new Proxy(placeholders, {
    get(target, name) {
      if (typeof name === 'string' && !(name in target))
        throw new CaptureError(
          'capture',
          `the body reads an input "${name}", and the call gives ${names.join(', ') || 'none'}`,
          'give every input that the body reads, by its name',
        );
      return Reflect.get(target, name) as unknown;
    },
  });
}
