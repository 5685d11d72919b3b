/** Running sums. */
import { wgsl } from '@mudpt/shaders';
import { bytesPerElement, type DType, isFloat, wgslType } from '../dtype.ts';
import { grid1d, kernel } from '../kernels/kernel.ts';
import { defineOp } from '../definition/op.ts';
import { normalizeAxis } from '../shape.ts';
import { empty } from '../definition/views.ts';
import type { Tensor } from '../tensor.ts';
import { axisView } from '../kernels/axis-view.ts';

const scanKernel = kernel({ name: 'scan', source: wgsl['scan.wgsl'] });

/** Elements one thread adds up in a row where lines are long and few. */
const CHUNK = 256;
const MANY_LINES = 4096;
/** And where they are many: longer sums would lose terms that are small compared with the sum. */
const LONG = 4096;

function runningSum(x: Tensor, axis: number, out: Tensor): void {
  const { device } = x;
  const geometry = axisView(x, axis);
  const { lines, length } = geometry;
  const arithmetic = isFloat(out.dtype) ? 'f32' : wgslType(out.dtype);
  const chunk = (lines >= MANY_LINES && length <= LONG) || length <= CHUNK ? Math.max(1, length) : CHUNK;
  const chunks = Math.max(1, Math.ceil(length / chunk));
  const dispatch = (pass: 'totals' | 'scan', y: Tensor, carry?: Tensor): void =>
    scanKernel.dispatch(device, {
      buffers: { x, y, ...(carry ? { carry } : {}) },
      params: { ...geometry.params, chunk, chunks },
      grid: grid1d(lines * chunks, 64),
      defines: { T: wgslType(x.dtype), TY: wgslType(y.dtype), A: arithmetic, PASS: pass, CARRY: carry ? 1 : 0 },
      flops: x.size,
      bytes: x.size * bytesPerElement(x.dtype) + y.size * bytesPerElement(y.dtype),
    });
  if (chunks === 1) return dispatch('scan', out);
  const between: DType = arithmetic;
  using totals = empty(device, [lines, chunks], between);
  dispatch('totals', totals);
  using carry = empty(device, [lines, chunks], between);
  runningSum(totals, 1, carry);
  dispatch('scan', out, carry);
}

/**
 * Sums of the elements up to each one along `axis` (default the last). Same shape; same dtype, but bool counts as i32. f16 is summed in f32.
 * @throws ShapeError for an axis out of range; a scalar has none
 */
export const cumsum = defineOp('cumsum', (x: Tensor, axis: number = -1): Tensor => {
  x.expectLive('cumsum');
  const along = normalizeAxis('cumsum', axis, x.shape);
  const out = empty(x.device, x.shape, x.dtype === 'bool' ? 'i32' : x.dtype);
  runningSum(x, along, out);
  return out;
});
