/**
 * Chunked evaluation with an exact gradient, for losses over all results at once (contrastive batches, many classes): pass one computes the
 * results and keeps nothing else; the backward forms their gradient and then runs chunk after chunk again. Memory is that of one chunk and of
 * all results. The method is GradCache's (arXiv 2101.06983).
 */
import { scope, type Tensor } from '@mudpt/tensor/functions';
import { cat } from '../ops.ts';
import { type BeforePart, inParts } from '../random.ts';
import { checkpoint } from './checkpoint.ts';

/**
 * Calls `fn` with each of `calls` and joins the results along `axis`. Gradients are those of calling it once with everything, up to the order
 * of sums; the rules for `fn` are those of {@link checkpoint}. Tensors in `calls` are kept until the backward: pass what a chunk reads
 * there rather than in a closure, unless it lives longer anyway.
 *
 * ```ts
 * const features = chunked((rows: Tensor) => model.forward(rows), split(images, 32).map((rows) => [rows] as const));
 * const loss = contrastiveLoss(features);
 * ```
 * @param before what of the whole comes before each call: then dropout draws what it would in one call. Without it each call has streams of its own
 * @throws ShapeError when there are no calls, or results do not fit together
 * @example
 * const rows = chunked((x: Tensor) => x.mul(2), [[tensor([[1]])], [tensor([[2]])]]);
 * console.log(await rows.array()); // [[2],[4]]
 */
export function chunked<A extends readonly unknown[]>(
  fn: (...args: A) => Tensor,
  calls: readonly A[],
  axis = 0,
  before?: readonly BeforePart[],
): Tensor {
  const run = checkpoint(fn);
  const one = (args: A): Tensor => scope(() => run(...args));
  return scope(() => cat(before ? inParts(before, (part) => one(calls[part] as A)) : calls.map(one), axis));
}
