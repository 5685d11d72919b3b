/** Einstein sums out of ops: of one operand by sum and permute, of many by those of two. */
import { afterStep, contractionPath } from '../../kernels/einsum/path.ts';
import { type Equation, equationOf } from '../../kernels/einsum/equation.ts';
import { scope } from '../../scope.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { contiguous } from '../views/copy.ts';
import { ones } from '../create/create.ts';
import { sum } from '../reduce/reduce.ts';
import { permute } from '../views/views.ts';

/** The einsum of two operands. */
type PairSum = (equation: string, a: Tensor, b: Tensor) => Tensor;

/** Sums the labels that the result lacks; an operand with a repeated label goes through a product with 1, which reads its diagonal in place. */
export function einsumOfOne({ operands: [labels = []], out }: Equation, x: Tensor, ofPair: PairSum): Tensor {
  return scope(() => {
    if (new Set(labels).size < labels.length) {
      const one = ones([], { device: x.device, dtype: x.dtype });
      return ofPair(equationOf([labels, []], out), x, one);
    }
    const summed = labels.flatMap((label, axis) => (out.includes(label) ? [] : [axis]));
    const kept = labels.filter((label) => out.includes(label));
    const rest = summed.length > 0 ? sum(x, summed) : x;
    return contiguous(
      permute(
        rest,
        out.map((label) => kept.indexOf(label)),
      ),
    );
  });
}

/** Two operands at a time. @param extents sizes of the labels */
export function einsumOfMany(
  { operands, out }: Equation,
  tensors: readonly Tensor[],
  extents: ReadonlyMap<string, number>,
  ofPair: PairSum,
): Tensor {
  return scope(() => {
    const steps = contractionPath(operands, out, extents);
    let [labels, current] = [[...operands], [...tensors]];
    for (const [at, step] of steps.entries()) {
      // The last step gives the labels in the order of the result.
      const names = at === steps.length - 1 ? out : step.labels;
      const pair = equationOf([nth(labels, step.first), nth(labels, step.second)], names);
      const result = ofPair(pair, nth(current, step.first), nth(current, step.second));
      [labels, current] = [afterStep(labels, step, names), afterStep(current, step, result)];
    }
    return nth(current, 0);
  });
}
