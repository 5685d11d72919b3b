/** Division by the 2-norm along an axis. */
import { l2NormalizeWgsl } from '@mudpt/shaders';
import { bytesPerElement, wgslType } from '../../dtype.ts';
import { kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { normalizeAxis } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { unitOf } from '../../kernels/axes.ts';
import { expectRows, rowLaunch, RowView } from '../../kernels/row-launch.ts';
import { transpose } from '../views/views.ts';

const l2Kernel = kernel({ name: 'l2_normalize', source: l2NormalizeWgsl });

function run(x: Tensor, grad: Tensor | undefined, eps: number): Tensor {
  const { rows, width } = expectRows('l2Normalize', 'x', x);
  using input = new RowView(x);
  using cotangent = new RowView(grad ?? x);
  const unit = unitOf([width, input.offset, input.stride, cotangent.offset, cotangent.stride]);
  const { variant, grid } = rowLaunch(x.device, 'l2_normalize', rows, width);
  const out = empty(x.device, x.shape, x.dtype);
  l2Kernel.dispatch(x.device, {
    buffers: { x: input.tensor, y: out, grad: cotangent.tensor },
    params: {
      rows,
      width: width / unit,
      x_offset: input.offset / unit,
      x_stride: (input.stride / unit) >>> 0,
      eps,
      is_backward: grad !== undefined,
      grad_offset: cotangent.offset / unit,
      grad_stride: (cotangent.stride / unit) >>> 0,
    },
    grid,
    defines: { T: wgslType(x.dtype), W: 'f32', V: unit, ROWS: variant },
    flops: (grad ? 7 : 3) * x.size,
    bytes: (grad ? 3 : 2) * x.size * bytesPerElement(x.dtype),
  });
  return out;
}

/** Runs `body` on `tensors` with `axis` last and gives the result x's order of axes back. */
export function withAxisLast(op: string, axis: number, tensors: readonly Tensor[], body: (...last: Tensor[]) => Tensor): Tensor {
  const [first] = tensors;
  if (!first || first.rank === 0) return body(...tensors);
  const at = normalizeAxis(op, axis, first.shape);
  if (at === first.rank - 1) return body(...tensors);
  const turned = tensors.map((tensor) => transpose.run(tensor, at, -1));
  using out = body(...turned);
  for (const tensor of turned) tensor.dispose();
  return transpose.run(out, at, -1);
}

/** x over max(its 2-norm along `axis`, eps): PyTorch's normalize. Floats; x's shape and dtype. @throws ShapeError, DTypeError */
export const l2Normalize = defineOp('l2Normalize', (x: Tensor, axis: number = -1, eps: number = 1e-12): Tensor => {
  x.expectLive('l2Normalize');
  return withAxisLast('l2Normalize', axis, [x], (last) => run(last as Tensor, undefined, eps));
});

/** Gradient of {@link l2Normalize}: (grad - y (grad . y)) / norm; where eps is in force the norm is a constant. */
export function l2NormalizeBackward(x: Tensor, grad: Tensor, axis = -1, eps = 1e-12): Tensor {
  return withAxisLast('l2NormalizeBackward', axis, [x, grad], (last, turned) => run(last as Tensor, turned, eps));
}
