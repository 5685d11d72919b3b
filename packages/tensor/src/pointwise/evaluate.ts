/** Evaluation of one WGSL expression of broadcast operands in one dispatch: the kernel of every pointwise operation and its gradient. */
import { pointwiseWgsl } from '@mudpt/shaders';
import type { Device } from '../device.ts';
import type { ParamValue } from '../engine/params.ts';
import { bytesPerElement, wgslType } from '../dtype.ts';
import { grid1d, type Kernel, kernel } from '../kernels/kernel.ts';
import { workPerThread } from '../kernels/work-per-thread.ts';
import { broadcastStrides, collapse, isContiguous, MAX_RANK, padFront, type Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { nth } from '../values.ts';
import { callsLong, filesCalled, type FunctionFile } from './library.ts';

/** A tensor, or a number that needs no upload. */
export type Operand = Tensor | number;
/** Letters an expression may use for its operands; `o` is also the target of an evaluation in place; g, h, k, m: gradients of rising order. */
export type OperandName = 'x' | 'y' | 'z' | 'w' | 'o' | 'g' | 'h' | 'k' | 'm';
/** Type of the arithmetic. */
export type ComputeType = 'f32' | 'i32' | 'u32';

/** One dispatch of the pointwise kernel: an expression of WGSL over operands of any views, which are broadcast to the result. */
export type Evaluation = {
  /** Appears in errors and profiles. */
  readonly name: string;
  /** WGSL of type `compute`, or bool if `isPredicate`. */
  readonly expression: string;
  /** Files of the functions that the expression may call. */
  readonly library?: readonly FunctionFile[] | undefined;
  readonly isPredicate?: boolean;
  readonly compute: ComputeType;
  readonly operands: Readonly<Partial<Record<OperandName, Operand>>>;
  /** Written at every element. Fresh and contiguous; any view when `inPlace`. */
  readonly result: Tensor;
  /** The expression reads the old elements of the result as `o`. */
  readonly inPlace?: boolean;
};

const kernels = new Map<string, Kernel>();

/** The kernel of an operation, named after it: the expression is part of the source. */
function kernelOf({ name, expression, isPredicate = false, library = [] }: Evaluation): Kernel {
  const key = `${name}|${expression}`;
  let known = kernels.get(key);
  if (!known) {
    const constants = { EXPRESSION: isPredicate ? `select(0u, 1u, ${expression})` : expression };
    kernels.set(key, (known = kernel({ name, source: pointwiseWgsl, constants, library: filesCalled(expression, library) })));
  }
  return known;
}

type Placed = {
  readonly name: OperandName;
  readonly value: Operand;
  readonly kind: 'n' | '1' | 'd' | 's';
  readonly strides: readonly number[];
};

const TYPE_LETTERS = { f32: 'f', f16: 'h', i32: 'i', u32: 'u', bool: 'u' } as const;

/** Records the evaluation. Operands must broadcast to the shape of the result. */
export function evaluate(device: Device, evaluation: Evaluation): void {
  const { compute, result, inPlace = false } = evaluation;
  const { shape, size } = result;
  const placed = (Object.entries(evaluation.operands) as [OperandName, Operand][]).map(([letter, value]) =>
    placeOperand(letter, value, shape),
  );
  const targetIsFlat = !inPlace || (result.isContiguous && result.offset % 4 === 0 && size % 4 === 0);
  const isFlat =
    targetIsFlat && !isLong(evaluation) && placed.every(({ kind, value }) => kind !== 's' && (kind !== 'd' || isAligned(value)));
  const params: Record<string, ParamValue> = { result_offset: result.offset };
  for (const { name: letter, value } of placed) {
    if (typeof value === 'number') params[`number_${letter}`] = value;
    else params[`offset_${letter}`] = value.offset;
  }
  const used = [...placed.map(({ value }) => value), result].filter((value) => typeof value !== 'number');
  const work = workPerThread(device, 'pointwise', isFlat ? 'flat' : 'strided');
  const dims = isFlat ? 0 : addStrides(params, placed, result, inPlace, work.run);
  const threads = Number(params['count'] ?? 0);
  kernelOf(evaluation).dispatch(device, {
    buffers: { result, ...Object.fromEntries(placed.flatMap((p) => (p.kind === 'n' ? [] : [[`operand_${p.name}`, p.value]]))) },
    params: isFlat ? { ...params, count: size, inner: 0, run: 0 } : params,
    grid: isFlat ? grid1d(size, 4 * work.group * work.vectors) : grid1d(threads, work.group),
    defines: {
      NAMES: placed.map((p) => p.name).join(''),
      KINDS: placed.map((p) => p.kind).join(''),
      TYPES: placed.map(({ value }) => (typeof value === 'number' ? 'n' : TYPE_LETTERS[value.dtype])).join(''),
      COUNT: placed.length,
      TR: wgslType(result.dtype),
      C: compute,
      LAYOUT: isFlat ? 'flat' : 'strided',
      WG: work.group,
      PER: work.vectors,
      DIMS: dims,
      INTO: inPlace ? 1 : 0,
      HALF: used.some((value) => value.dtype === 'f16') ? 1 : 0,
    },
    flops: size,
    bytes: used.reduce((sum, value) => sum + Math.min(size, value.size) * bytesPerElement(value.dtype), inPlace ? size * 4 : 0),
  });
}

/** Calls of functions above which an expression counts as long, too; no gradient of the table has so many, derivatives of them may. */
const MANY_CALLS = 6;

function isLong({ expression, library = [] }: Evaluation): boolean {
  return callsLong(expression, library) || expression.split(/math_|special_/).length > MANY_CALLS + 1;
}

function placeOperand(name: OperandName, value: Operand, shape: Shape): Placed {
  if (typeof value === 'number') return { name, value, kind: 'n', strides: [] };
  const strides = broadcastStrides(value.shape, value.strides, shape);
  const kind = value.size === 1 ? '1' : isContiguous(shape, strides) ? 'd' : 's';
  return { name, value, kind, strides };
}

function isAligned(value: Operand): boolean {
  return typeof value === 'number' || value.offset % 4 === 0;
}

/** Adds collapsed sizes and strides to `params`; returns the number of dimensions of the kernel: 2, 4 or 8. */
function addStrides(
  params: Record<string, ParamValue>,
  placed: readonly Placed[],
  result: Tensor,
  inPlace: boolean,
  run: number,
): number {
  const walked = placed.filter(({ kind }) => kind === 's');
  const lists = [result.strides, ...walked.map(({ strides }) => strides)];
  const collapsed = collapse(result.shape, lists);
  const rank = collapsed.shape.length;
  const dims = rank <= 2 ? 2 : rank <= 4 ? 4 : MAX_RANK;
  const sizes = padFront(collapsed.shape, dims, 1);
  const wrap = (list: readonly number[] | undefined): number[] => padFront(list ?? [], dims, 0).map((stride) => stride >>> 0);
  const inner = nth(sizes, dims - 1);
  params['inner'] = inner;
  params['run'] = run;
  params['shape'] = sizes;
  params['count'] = inner === 0 ? 0 : (result.size / inner) * Math.ceil(inner / run);
  if (inPlace) params['result_strides'] = wrap(collapsed.strides[0]);
  walked.forEach(({ name }, index) => {
    params[`strides_${name}`] = wrap(collapsed.strides[index + 1]);
  });
  return dims;
}
