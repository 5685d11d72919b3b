/** Rows of several tensors side by side in the rows of one, as cat and the gradients of slices need them. */
import { catWgsl } from '@mudpt/shaders';
import type { Device } from '../device.ts';
import { bitsType } from '../dtype.ts';
import { collapse } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { grid1d, kernel } from './kernel.ts';
import { workPerThread } from './work-per-thread.ts';

const catKernel = kernel({ name: 'cat', source: catWgsl });

/** An input as rows: `width` neighbouring elements, `stride` elements from row to row; `column` is its place in the output's rows. */
export type PlacedRows = { readonly tensor: Tensor; readonly column: number; readonly width: number; readonly stride: number };

/** Distance between the rows of `x` cut before `axis`, or undefined when it has no such rows of contiguous elements. */
export function rowStride(x: Tensor, axis: number): number | undefined {
  const inside = collapse(x.shape.slice(axis), [x.strides.slice(axis)]);
  const outside = collapse(x.shape.slice(0, axis), [x.strides.slice(0, axis)]);
  const dense = inside.shape.length === 0 || (inside.shape.length === 1 && inside.strides[0]?.[0] === 1);
  return dense && outside.shape.length <= 1 ? (outside.strides[0]?.[0] ?? 0) : undefined;
}

/** Inputs per dispatch, few sizes for few pipelines. With the output, seven take the bindings that every WebGPU device has. */
const FEW = 4;
const MANY = 7;
/** The same on devices with more bindings, except SwiftShader, whose compiler takes seconds for so many loops. */
const MOST = 12;

function bucketsOf({ adapter, gpu }: Device): readonly number[] {
  const isLarge = gpu.limits.maxStorageBuffersPerShaderStage > MOST && adapter.kind !== 'swiftshader';
  return [FEW, isLarge ? MOST : MANY];
}

/**
 * Writes inputs into their places in the `outer` rows of `out`, each of `outWidth` elements, one dispatch for every few that lie side by side.
 */
export function joinRows(out: Tensor, rows: readonly PlacedRows[], outer: number, outWidth: number): void {
  for (const inputs of neighbours(rows, Math.max(...bucketsOf(out.device)))) {
    const column = inputs[0]?.column ?? 0;
    const width = inputs.reduce((sum, input) => sum + input.width, 0);
    launch(out, inputs, outer, outWidth, { column, width });
  }
}

/** Writes one input into its place in the `outer` rows of `out`, and zeros around it: all of `out`, in one dispatch. */
export function placeRows(out: Tensor, rows: PlacedRows, outer: number, outWidth: number): void {
  launch(out, [rows], outer, outWidth, { column: 0, width: outWidth });
}

/** @param filled range of columns that are written */
function launch(
  out: Tensor,
  inputs: readonly PlacedRows[],
  outer: number,
  outWidth: number,
  filled: { readonly column: number; readonly width: number },
): void {
  const buckets = bucketsOf(out.device);
  const numbers = [
    outWidth,
    filled.width,
    ...inputs.flatMap(({ tensor, column, width, stride }) => [tensor.offset, column, width, stride]),
  ];
  const unit = numbers.every((value) => value % 4 === 0) ? 4 : 1;
  const work = workPerThread(out.device, 'cat', unit === 4 ? 'vectors' : 'elements');
  const bucket = buckets.find((size) => size >= inputs.length) ?? Math.max(...buckets);
  const run = Math.min(work.run, filled.width / unit);
  const count = outer * Math.ceil(filled.width / unit / run);
  const first = (inputs[0]?.column ?? 0) - filled.column;
  const buffers: Record<string, Tensor> = { y: out };
  const params: Record<string, number | number[]> = {
    count,
    run,
    width: filled.width / unit,
    column: filled.column / unit,
    begin: first / unit,
    end: (first + inputs.reduce((sum, { width }) => sum + width, 0)) / unit,
    y_width: outWidth / unit,
  };
  for (let i = 0; i < bucket; i += 1) {
    const input = inputs[i];
    buffers[`x${i}`] = (input ?? inputs[0])?.tensor ?? out;
    const from = input ? (input.column - filled.column) / unit : 0;
    params[`input${i}`] = input
      ? [input.tensor.offset / unit, (input.stride / unit) >>> 0, from, from + input.width / unit]
      : [0, 0, 0, 0];
  }
  catKernel.dispatch(out.device, {
    buffers,
    params,
    grid: grid1d(count, work.group),
    defines: { T: bitsType(out.dtype), K: bucket, V: unit, WG: work.group },
    bytes: 2 * outer * filled.width * (out.dtype === 'f16' ? 2 : 4),
  });
}

/** Cuts the inputs into runs of at most `most` that lie side by side in the output. */
function neighbours(rows: readonly PlacedRows[], most: number): PlacedRows[][] {
  const runs: PlacedRows[][] = [];
  for (const input of rows) {
    const last = runs.at(-1);
    const before = last?.at(-1);
    if (last && before && last.length < most && before.column + before.width === input.column) last.push(input);
    else runs.push([input]);
  }
  return runs;
}
