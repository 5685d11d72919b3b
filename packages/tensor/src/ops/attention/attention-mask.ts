/** Gradient of the mask that attention adds to its scores: that of every score, with a Tq x Tk matrix for each head. */
import type { AttentionOptions } from '../../kernels/attention/options.ts';
import { problemOf } from '../../kernels/attention/problem.ts';
import { scope } from '../../scope.ts';
import type { Tensor } from '../../tensor.ts';
import { add, exp, mul, sub, where } from '../../pointwise/ops.ts';
import { hiddenByPlace, productWithKeys } from './attention-scores.ts';
import { cast } from '../views/copy.ts';
import { sum } from '../reduce/reduce.ts';
import { permute, unsqueeze } from '../views/views.ts';

/** Saved tensors of attention and the gradient of its result. */
export type MaskGradientInputs = Readonly<Record<'q' | 'k' | 'v' | 'out' | 'lse' | 'grad', Tensor>>;

/**
 * Gradient of the scores of dense attention, f32 [B, H, Tq, Tk]: p (dp - sum(grad out)), where p = exp(scale q kᵀ + mask - lse) and dp = grad vᵀ. Summed
 * over the axes along which a mask repeats, it is the gradient of the mask.
 */
export function attentionMaskGradient({ q, k, v, out, lse, grad }: MaskGradientInputs, options: AttentionOptions): Tensor {
  const problem = problemOf('attentionMaskGradient', { q, k, v }, options, undefined);
  return scope(() => {
    const wide = (x: Tensor): Tensor => cast(x, 'f32');
    const ofRows = (x: Tensor): Tensor => unsqueeze(permute(x, [0, 2, 1]), -1);
    const products = productWithKeys(wide(q), wide(k), problem.scale);
    const scores = problem.mask ? add(products, wide(problem.mask.tensor)) : products;
    const p = exp(sub(scores, ofRows(lse)));
    const change = sub(productWithKeys(wide(grad), wide(v)), ofRows(sum(mul(wide(out), wide(grad)), -1)));
    const hidden = hiddenByPlace(problem);
    const ds = mul(p, change);
    return hidden ? where(hidden, 0, ds) : ds;
  });
}
