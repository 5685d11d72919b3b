/** Gradient of a layer norm from its normalised rows, which are kept in place of its input: in f16 they take half of the memory of an input in f32. */
import { bytesPerElement, promote, wgslType } from '../../dtype.ts';
import { type Shape, sizeOf } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { unitOf } from '../../kernels/axes.ts';
import { heldByLane, rowLaunch } from '../../kernels/row-launch.ts';
import { lastOf, nth } from '../../values.ts';
import { contiguous } from '../views/copy.ts';
import { CotangentRows, normBackwardKernel } from './norm-cotangents.ts';

/** What a norm kept, and the cotangents of its result. */
export type NormalisedRows = {
  /** Rows before weight and bias, contiguous; those of a prefix before the others. */
  readonly normalised: Tensor;
  readonly weight?: Tensor | undefined;
  /** Reciprocal deviations of the rows, f32, one after the other from the tensor's first element on. */
  readonly rstd: Tensor;
  /** Cotangent of the result, of the shape of `normalised`. */
  readonly grad: Tensor;
  /** Cotangent of the input itself, without that of a prefix: added to its gradient. */
  readonly sumGrad?: Tensor | undefined;
};

/**
 * Gradients of the input and of a prefix, of these shapes, in the wider dtype of the kept rows and of the cotangents.
 * @param shapes.prefix [P, width]; undefined: there is none
 */
export function normalisedBackward(
  { normalised, weight, rstd, grad, sumGrad }: NormalisedRows,
  shapes: { readonly x: Shape; readonly prefix?: Shape | undefined },
): { readonly x: Tensor; readonly prefix?: Tensor } {
  const { device, size, offset } = normalised;
  const width = lastOf(normalised.shape);
  const rows = sizeOf(normalised.shape.slice(0, -1));
  using cotangents = new CotangentRows(grad, sumGrad, normalised);
  using scale = contiguous.run(weight ?? normalised);
  const unit = unitOf([width, offset, ...cotangents.steps, weight ? scale.offset : 0]);
  const { variant, grid } = rowLaunch(device, 'norm', rows, width);
  const dtype = promote(normalised.dtype, cotangents.dtype);
  const dx = empty(device, shapes.x, dtype);
  const dprefix = shapes.prefix && empty(device, shapes.prefix, dtype);
  normBackwardKernel.dispatch(device, {
    buffers: {
      x: normalised,
      ...cotangents.buffers,
      weight: scale,
      rstd,
      dx,
      ...(dprefix && { dprefix }),
    },
    params: {
      rows,
      width: width / unit,
      x_offset: offset / unit,
      x_stride: width / unit,
      ...cotangents.params(unit),
      weight_offset: weight ? scale.offset / unit : 0,
      has_weight: weight !== undefined,
      per_element: 1 / width,
      stats_offset: rstd.offset,
      ...(shapes.prefix && { prefix_rows: nth(shapes.prefix, 0), prefix_offset: 0, prefix_stride: 0 }),
    },
    grid,
    defines: {
      T: wgslType(normalised.dtype),
      G: wgslType(cotangents.dtype),
      D: wgslType(dtype),
      W: wgslType((weight ?? normalised).dtype),
      V: unit,
      ROWS: variant,
      CENTERED: 1,
      PREFIX: dprefix ? 1 : 0,
      PARAMETERS: 0,
      NORMALISED: 1,
      PARTS: 0,
      HELD: heldByLane(device, variant, width, unit),
    },
    flops: 10 * size,
    bytes: size * (bytesPerElement(normalised.dtype) + cotangents.passes * bytesPerElement(dtype)),
  });
  return { x: dx, ...(dprefix && { prefix: dprefix }) };
}
