/** Layer norm of a few rows and of those that follow them, read from two tensors into one, in one dispatch; and its gradient. */
import { bytesPerElement, expectDType, type FloatDType, promote, wgslType } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { showShape } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { unitOf } from '../../kernels/axes.ts';
import { expectRows, heldByLane, rowLaunch, RowView } from '../../kernels/row-launch.ts';
import { contiguous } from '../views/copy.ts';
import { expectChannels, normKernel, resultDType } from './norm.ts';
import { CotangentRows, normBackwardKernel } from './norm-cotangents.ts';
import { BACKWARD_BUFFERS, cotangentParts, FORWARD_BUFFERS, partsOf } from './norm-parts.ts';

/** The rows of `prefix` [P, width], then those of x [..., width]; weight and bias [width]. */
type PrefixedRows = { readonly prefix: Tensor; readonly x: Tensor; readonly weight: Tensor };

/** out [P + rows, width]; stats f32 [3, P + rows] of every row: its reciprocal deviation, its mean, what that lost where it was rounded; rows before weight and bias, where asked for. */
type PrefixedNormResult = { readonly out: Tensor; readonly stats: Tensor; readonly normalised?: Tensor };

/** @param asked dtype of out; default that of x. @param keepsNormalised as `layerNormNormalised` does. @throws ShapeError or DTypeError for a prefix that does not fit x */
export function prefixedLayerNormForward(
  { prefix, x, weight }: PrefixedRows,
  bias: Tensor,
  eps = 1e-5,
  asked?: FloatDType,
  keepsNormalised = false,
): PrefixedNormResult {
  const op = 'prefixedLayerNorm';
  const dtype = resultDType(op, x, asked);
  expectChannels(op, 'bias', bias, x);
  using layout = new PrefixedLayout(op, { prefix, x, weight });
  using shift = contiguous.run(bias);
  const { rows, width, device } = layout;
  const out = empty(device, [rows, width], dtype);
  const stats = empty(device, [3, rows]);
  const normalised = keepsNormalised ? empty(device, [rows, width], dtype) : undefined;
  const unit = layout.unit([shift.offset]);
  const { variant, grid } = rowLaunch(device, 'norm', rows, width);
  const parts = partsOf(x, normalised ? FORWARD_BUFFERS + 1 : FORWARD_BUFFERS, unit);
  normKernel.dispatch(device, {
    buffers: { ...layout.buffers, bias: shift, out, rstd: stats, ...(normalised && { normalised }), ...parts?.buffers },
    params: { ...layout.params(unit), bias_offset: shift.offset / unit, has_bias: true, eps, ...parts?.params },
    grid,
    defines: {
      ...layout.defines(unit),
      O: wgslType(dtype),
      ROWS: variant,
      ADD: 0,
      NORMALISED: normalised ? 1 : 0,
      PARTS: parts ? 1 : 0,
      HELD: heldByLane(device, variant, width, unit),
    },
    flops: 8 * rows * width,
    bytes: rows * width * (bytesPerElement(x.dtype) + (normalised ? 2 : 1) * bytesPerElement(dtype)),
  });
  return { out, stats, ...(normalised && { normalised }) };
}

/**
 * Gradients of prefix and x, of the wider dtype of x and grad.
 * @param grad cotangent of the result [P + rows, width]
 * @param sumGrad cotangent of x itself, which is added to the gradient of x
 */
export function prefixedLayerNormBackward(
  rowsOf: PrefixedRows,
  { stats, grad, sumGrad }: { readonly stats: Tensor; readonly grad: Tensor; readonly sumGrad?: Tensor | undefined },
): { readonly prefix: Tensor; readonly x: Tensor } {
  const { prefix, x } = rowsOf;
  using layout = new PrefixedLayout('prefixedLayerNormBackward', rowsOf);
  using cotangents = new CotangentRows(grad, sumGrad, x);
  const dtype = promote(x.dtype, cotangents.dtype);
  const { rows, width, device } = layout;
  const unit = layout.unit(cotangents.steps);
  const { variant, grid } = rowLaunch(device, 'norm', rows, width);
  const dx = empty(device, x.shape, dtype);
  const dprefix = empty(device, prefix.shape, dtype);
  const parts = cotangentParts(cotangents.grad, BACKWARD_BUFFERS + 1, unit);
  normBackwardKernel.dispatch(device, {
    buffers: { ...layout.buffers, ...cotangents.buffers, rstd: stats, dx, dprefix, ...parts?.buffers },
    params: {
      ...layout.params(unit),
      ...cotangents.params(unit),
      stats_offset: stats.offset,
      moments_offset: stats.offset + rows,
      ...parts?.params,
    },
    grid,
    defines: {
      ...layout.defines(unit),
      G: wgslType(cotangents.dtype),
      D: wgslType(dtype),
      ROWS: variant,
      PARAMETERS: 0,
      NORMALISED: 0,
      PARTS: parts ? 1 : 0,
      HELD: heldByLane(device, variant, width, unit),
    },
    flops: 12 * rows * width,
    bytes: (1 + cotangents.passes) * rows * width * bytesPerElement(dtype),
  });
  return { prefix: dprefix, x: dx };
}

/** Where the rows lie that both passes read. Holds references: dispose it. */
class PrefixedLayout {
  readonly device;
  readonly rows: number;
  readonly width: number;
  private readonly first: RowView;
  private readonly rest: RowView;
  private readonly scale: Tensor;
  private readonly prefixRows: number;

  constructor(op: string, { prefix, x, weight }: PrefixedRows) {
    const { rows, width } = expectRows(op, 'x', x);
    expectDType(op, 'prefix', prefix.dtype, [x.dtype]);
    prefix.expectLive(op);
    if (prefix.rank !== 2 || prefix.shape[1] !== width || prefix.size === 0 || x.size === 0)
      throw new ShapeError(
        op,
        `prefix has shape ${showShape(prefix.shape)}, x ${showShape(x.shape)}`,
        `give rows [P, ${width}] before those of x, and at least one of each`,
      );
    expectChannels(op, 'weight', weight, x);
    this.device = x.device;
    this.prefixRows = prefix.shape[0] as number;
    this.rows = this.prefixRows + rows;
    this.width = width;
    this.first = new RowView(prefix);
    this.rest = new RowView(x);
    this.scale = contiguous.run(weight);
  }

  get buffers(): Readonly<Record<string, Tensor>> {
    return { x: this.rest.tensor, prefix: this.first.tensor, weight: this.scale };
  }

  /** Elements that are read at once, where also `others` are multiples of them. */
  unit(others: readonly number[]): number {
    const { first, rest, scale, width } = this;
    return unitOf([width, first.offset, first.stride, rest.offset, rest.stride, scale.offset, ...others]);
  }

  params(unit: number): Readonly<Record<string, number | boolean>> {
    const { first, rest, scale, width, rows, prefixRows } = this;
    return {
      rows,
      width: width / unit,
      x_offset: rest.offset / unit,
      x_stride: (rest.stride / unit) >>> 0,
      prefix_rows: prefixRows,
      prefix_offset: first.offset / unit,
      prefix_stride: (first.stride / unit) >>> 0,
      weight_offset: scale.offset / unit,
      has_weight: true,
      per_element: 1 / width,
    };
  }

  defines(unit: number): Readonly<Record<string, string | number>> {
    const { tensor } = this.rest;
    return { T: wgslType(tensor.dtype), W: wgslType(this.scale.dtype), V: unit, CENTERED: 1, PREFIX: 1 };
  }

  [Symbol.dispose](): void {
    this.first[Symbol.dispose]();
    this.rest[Symbol.dispose]();
    this.scale.dispose();
  }
}
