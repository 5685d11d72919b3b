/** Copies between any two strided views of equal shape, with conversion of dtype: launches that hooks do not record as ops. */
import { copyWgsl } from '@mudpt/shaders';
import { bytesPerElement, wgslType } from '../dtype.ts';
import { ShapeError } from '../errors.ts';
import { grid1d, kernel } from './kernel.ts';
import { noteWork } from '../definition/op.ts';
import { collapse, expectDistinct, sameShape, showShape } from '../shape.ts';
import { alias, empty } from '../definition/views.ts';
import type { Tensor } from '../tensor.ts';
import { sizesParam, stridesParam, unitOf } from './axes.ts';
import { workPerThread } from './work-per-thread.ts';

const copyKernel = kernel({ name: 'copy', source: copyWgsl });

/** The step along the last dimension and the strides of the others. */
function walkOf(strides: readonly number[] = []): { readonly step: number; readonly outer: readonly number[] } {
  return { step: strides.at(-1) ?? 1, outer: strides.slice(0, -1) };
}

/** Writes the elements of `source` into `target` (any views of equal shape), converting to its dtype; in place, so not differentiable. */
export function copyInto(target: Tensor, source: Tensor): void {
  source.expectLive('copyInto');
  target.expectLive('copyInto');
  if (!sameShape(target.shape, source.shape)) {
    throw new ShapeError(
      'copyInto',
      `target ${showShape(target.shape)} and source ${showShape(source.shape)} differ`,
      'give both the same shape',
      { shapes: { target: target.shape, source: source.shape } },
    );
  }
  expectDistinct('copyInto', target.shape, target.strides);
  noteWork('copyInto', () => ({ reads: [source], writes: [target] }));
  const { device } = target;
  if (source.size === 0) return;
  const { shape, strides } = collapse(source.shape, [source.strides, target.strides]);
  const size = shape.at(-1) ?? 1;
  const [from, to] = [walkOf(strides[0]), walkOf(strides[1])];
  const places = [size, source.offset, target.offset, ...from.outer, ...to.outer];
  const unit = from.step === 1 && to.step === 1 ? unitOf(places) : 1;
  const work = workPerThread(device, 'copy', unit === 4 ? 'vectors' : 'elements');
  const inner = size / unit;
  const run = work.group === 64 ? 1 : work.run;
  const threads = (source.size / size) * Math.ceil(inner / run);
  const inUnits = (list: readonly number[]): number[] => stridesParam(list.map((stride) => stride / unit));
  copyKernel.dispatch(device, {
    buffers: { x: source, y: target },
    params: {
      count: threads,
      inner,
      run,
      x_offset: source.offset / unit,
      x_step: from.step >>> 0,
      y_offset: target.offset / unit,
      y_step: to.step >>> 0,
      shape: sizesParam(shape.slice(0, -1)),
      x_strides: inUnits(from.outer),
      y_strides: inUnits(to.outer),
    },
    grid: grid1d(threads, work.group),
    defines: {
      TX: wgslType(source.dtype),
      TY: wgslType(target.dtype),
      V: unit,
      WG: work.group,
      TO_BOOL: target.dtype === 'bool' ? 1 : 0,
    },
    bytes: source.size * (bytesPerElement(source.dtype) + bytesPerElement(target.dtype)),
  });
}

/** A contiguous copy, always. */
export function contiguousCopy(x: Tensor): Tensor {
  const out = empty(x.device, x.shape, x.dtype);
  copyInto(out, x);
  return out;
}

/** `x` itself (a second handle) if its elements lie in row-major order, else a contiguous copy. */
export function contiguous(x: Tensor): Tensor {
  x.expectLive('contiguous');
  return x.isContiguous ? alias(x) : contiguousCopy(x);
}
