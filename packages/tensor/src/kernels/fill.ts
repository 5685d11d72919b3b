/** Fills: fresh tensors of one value, or of an arithmetic sequence. */
import { fillWgsl } from '@mudpt/shaders';
import type { Device } from '../device.ts';
import { bytesPerElement, type DType, wgslType } from '../dtype.ts';
import type { Shape } from '../shape.ts';
import { empty } from '../definition/views.ts';
import type { Tensor } from '../tensor.ts';
import { grid1d, kernel } from './kernel.ts';
import { workPerThread } from './work-per-thread.ts';

const fillKernel = kernel({ name: 'fill', source: fillWgsl });

/** A fresh tensor of value + i * step. Floats are filled by f32 arithmetic, integers by their own. */
export function fill(device: Device, shape: Shape, dtype: DType, value: number, step = 0): Tensor {
  const out = empty(device, shape, dtype);
  const T = wgslType(dtype);
  const { group, vectors } = workPerThread(device, 'fill', 'flat');
  fillKernel.dispatch(device, {
    buffers: { y: out },
    params: { count: out.size, value, step },
    grid: grid1d(out.size, 4 * group * vectors),
    defines: { T, P: T === 'f16' ? 'f32' : T, WG: group, PER: vectors },
    bytes: out.size * bytesPerElement(dtype),
  });
  return out;
}
