/**
 * Tracing of values that are not finite. On a device opened with `debug: { finite: true }` every op has its floats checked by one more kernel each, and the
 * next read throws for the first op whose result has an infinity or NaN while its inputs have none.
 */
import { finiteCheckWgsl } from '@mudpt/shaders';
import { type Device, engineOf } from '../device.ts';
import { withHook } from '../definition/op.ts';
import { TensorError } from '../errors.ts';
import { isFloat, wgslType } from '../dtype.ts';
import { creatingCall } from '../engine/leaks.ts';
import { tracing } from '../engine/tracing.ts';
import type { Storage } from '../engine/storage.ts';
import { scope, tensorsOf } from '../scope.ts';
import { Tensor } from '../tensor.ts';
import { isPlain, nth } from '../values.ts';
import { contiguous } from './copy.ts';
import { kernel } from './kernel.ts';

const finiteKernel = kernel({ name: 'finite_check', source: finiteCheckWgsl });

const SLOTS = 256;

/** The check of one tensor at one state of its memory: whether it is finite, once that was read. */
type Check = { readonly version: number; isFinite: boolean | undefined };
type Block = { readonly flags: Storage; readonly checks: Check[] };
/** A result and the tensors it was computed from. */
type Trace = {
  readonly op: string;
  readonly shown: string;
  readonly inputs: readonly Check[];
  readonly output: Check;
  readonly place: string;
};
type Pending = { readonly blocks: Block[]; readonly traces: Trace[] };

const pending = new WeakMap<Device, Pending>();
const checks = new WeakMap<Tensor, Check>();
/** True while a check runs, because checks call ops themselves. */
let isTracing = false;

/** Traces the results of `op`: of a call, or of a part that is no op, such as a backward. */
export function traceFinite(op: string, args: unknown, result: unknown): void {
  if (!tracing.isOn || isTracing) return;
  const isTraced = ({ device, dtype, size, isDisposed }: Tensor): boolean =>
    device.checksFinite && isFloat(dtype) && size > 0 && !isDisposed && !engineOf(device).isCapturing;
  const outputs = tensorsOf(result).filter(isTraced);
  if (outputs.length === 0 || hasInfiniteNumber(args)) return;
  isTracing = true;
  try {
    const given = tensorsOf(args).filter(isTraced);
    withHook(undefined, () =>
      scope(() => {
        const inputs = given.map(checkOf);
        const place = creatingCall();
        for (const output of outputs) {
          const shown = `${showTensor(output)}${given.length === 0 ? '' : ` of ${given.map(showTensor).join(', ')}`}`;
          stateOf(output.device).traces.push({ op, shown, inputs, output: checkOf(output), place });
        }
      }),
    );
  } finally {
    isTracing = false;
  }
}

const showTensor = ({ dtype, shape }: Tensor): string => `${dtype} [${shape.join(', ')}]`;

/** Whether an argument or option is itself not finite: then the caller means it, as with a mask of -Infinity. */
function hasInfiniteNumber(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  if (Array.isArray(value)) return value.some(hasInfiniteNumber);
  return typeof value === 'object' && value !== null && isPlain(value) && Object.values(value).some(hasInfiniteNumber);
}

function stateOf(device: Device): Pending {
  let state = pending.get(device);
  if (!state) {
    pending.set(device, (state = { blocks: [], traces: [] }));
    engineOf(device).afterRead.add(() => report(device));
  }
  return state;
}

/** Records the check of a tensor, unless its outcome is known. */
function checkOf(x: Tensor): Check {
  const { version } = x.storage;
  const known = checks.get(x);
  if (known?.version === version) return known;
  const { blocks } = stateOf(x.device);
  let block = blocks.at(-1);
  if (!block || block.checks.length === SLOTS)
    blocks.push((block = { flags: engineOf(x.device).allocate(4 * SLOTS), checks: [] }));
  using list = contiguous(x);
  finiteKernel.dispatch(x.device, {
    buffers: { x: list, flags: block.flags },
    params: { count: list.size, offset: list.offset, slot: block.checks.length },
    grid: [1],
    defines: { T: wgslType(x.dtype) },
  });
  const check: Check = { version, isFinite: undefined };
  block.checks.push(check);
  checks.set(x, check);
  return check;
}

/** @throws TensorError for the first op that gave values that are not finite */
async function report(device: Device): Promise<void> {
  const { blocks, traces } = stateOf(device);
  const [read, traced] = [blocks.splice(0), traces.splice(0)];
  for (const { flags, checks: of } of read) {
    const values = new Uint32Array(await engineOf(device).readFlags(flags.buffer, 4 * SLOTS));
    flags.release();
    for (const [slot, check] of of.entries()) check.isFinite = nth(values, slot) === 0;
  }
  const first = traced.find(({ inputs, output }) => output.isFinite === false && inputs.every(({ isFinite }) => isFinite));
  if (!first) return;
  throw new TensorError(
    first.op,
    `its result ${first.shown} has an infinity or NaN, and its inputs have none; called ${first.place}`,
    'look at its inputs there: logarithms and quotients of 0, exponentials of large values, and roots of negative ones are not finite',
  );
}
