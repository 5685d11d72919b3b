/** Activations with a gate or learnt slopes, out of pointwise ops. */
import { ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { leakyRelu, mul, sigmoid } from '../../pointwise/ops.ts';
import { scope } from '../../scope.ts';
import { normalizeAxis, showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { narrow } from '../views/slices.ts';
import { reshape } from '../views/views.ts';
import { nth } from '../../values.ts';

/** The first half of an axis (default the last) times the sigmoid of the second (Dauphin et al., arXiv:1612.08083). @throws ShapeError for an odd size */
export const glu = defineOp('glu', (x: Tensor, axis: number = -1): Tensor => {
  x.expectLive('glu');
  const along = normalizeAxis('glu', axis, x.shape);
  const size = nth(x.shape, along);
  if (size % 2 !== 0)
    throw new ShapeError(
      'glu',
      `axis ${along} of shape ${showShape(x.shape)} is odd`,
      'give it an even size: values, then gates',
    );
  return scope(() => mul(narrow(x, along, 0, size / 2), sigmoid(narrow(x, along, size / 2, size / 2))));
});

/**
 * x where positive, else a learnt slope times x (He et al., arXiv:1502.01852).
 * @param weight one slope, or one for each channel, axis 1 of x [N, C, ...]
 * @throws ShapeError
 */
export const prelu = defineOp('prelu', (x: Tensor, weight: Tensor): Tensor => {
  x.expectLive('prelu');
  weight.expectLive('prelu');
  const channels = x.rank > 1 ? nth(x.shape, 1) : 1;
  if (weight.size !== 1 && (weight.rank !== 1 || weight.size !== channels))
    throw new ShapeError(
      'prelu',
      `weight has shape ${showShape(weight.shape)}, x ${showShape(x.shape)}`,
      `give one slope, or [${channels}]`,
    );
  if (weight.size === 1) return scope(() => leakyRelu(x, reshape(weight, [])));
  return scope(() => leakyRelu(x, reshape(weight, [channels, ...x.shape.slice(2).map(() => 1)])));
});
