/** Gradient rule of the norm under batch norm: of what is normalised, and of the statistics. */
import {
  add,
  type BatchNormResult,
  div,
  expand,
  layerNorm,
  mean,
  mul,
  scope,
  select,
  sub,
  type Tensor,
  unsqueeze,
  variance,
} from '@mudpt/tensor/functions';
import { layerNormBackward, layerNormForward, normalizeRows, nth } from '@mudpt/tensor/internal';
import { compositionFor, ruleFor } from '../rule.ts';

function composed(rows: Tensor, eps: number): BatchNormResult {
  return scope(() => ({
    out: layerNorm(rows, undefined, undefined, eps),
    mean: mean(rows, 1),
    variance: variance(rows, 1, { correction: 0 }),
  }));
}

export const normalizeRowsRule = ruleFor(normalizeRows, (context, rows, eps) => {
  const { out, moments, rstd } = layerNormForward(rows, undefined, undefined, eps);
  const saved = { x: context.save(rows), moments: context.save(moments), rstd: context.save(rstd) };
  using kept = moments;
  rstd.dispose();
  const output = { out, mean: select(kept, 0, 0), variance: select(kept, 0, 2) };
  const { shape } = rows;
  return {
    output,
    backward: (grad, meanGrad, varianceGrad) => {
      const needs = { x: true, weight: false, bias: false };
      const parts: Tensor[] = [];
      const through = grad && layerNormBackward({ ...saved, grad, needs }).x;
      if (through) parts.push(through);
      if (meanGrad) parts.push(expand(div(unsqueeze(meanGrad, 1), nth(shape, 1)), shape));
      if (varianceGrad) {
        const [center, rest] = [select(saved.moments, 0, 0), select(saved.moments, 0, 1)];
        const deviations = sub(sub(saved.x, unsqueeze(center, 1)), unsqueeze(rest, 1));
        parts.push(mul(deviations, div(unsqueeze(varianceGrad, 1), nth(shape, 1) / 2)));
      }
      const [first, ...rest] = parts;
      return [first && rest.reduce((sum, part) => add(sum, part), first)];
    },
  };
});

export const normalizeRowsComposition = compositionFor(normalizeRows, composed);
