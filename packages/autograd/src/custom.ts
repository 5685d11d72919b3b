import type { Tensor } from '@mudpt/tensor/functions';
import { defineOp } from '@mudpt/tensor/kernels';
import { defineRule, type Rule, type RuleContext, type RuleResult, tensorsIn } from './rule.ts';

/** An op and its gradient, for {@link customOp}. */
export type CustomOp<A extends readonly unknown[]> = {
  /** Appears in errors. */
  readonly name: string;
  readonly forward: (...args: A) => Tensor;
  /** Tensors that the backward reads. Default: the tensors among the arguments. */
  readonly saves?: (output: Tensor, ...args: A) => readonly Tensor[];
  /**
   * Gradients of the tensors among the arguments, in order.
   * @param needs one flag per tensor argument: return undefined where it is false
   */
  readonly backward: (grad: Tensor, saved: readonly Tensor[], needs: readonly boolean[]) => readonly (Tensor | undefined)[];
};

/**
 * An op with a gradient of your own, made of existing ops or kernels. `forward` disposes its intermediate tensors itself (`using`) or
 * leaves them to the caller's scope; `backward` runs in a scope.
 *
 * ```ts
 * const cube = customOp({
 *   name: 'cube',
 *   forward: (x: Tensor) => pow(x, 3),
 *   backward: (grad, [x]) => [mul(grad, mul(mul(x, x), 3))],
 * });
 * ```
 * @example
 * const double = customOp({ name: 'double', forward: (x: Tensor) => x.mul(2), backward: (gradient) => [gradient.mul(2)] });
 * console.log(await grad((x: Tensor) => double(x).sum())(tensor([1])).data()); // [2]
 */
export function customOp<A extends readonly unknown[]>({
  name,
  forward,
  saves = (_, ...args) => tensorsIn(args),
  backward,
}: CustomOp<A>): (...args: A) => Tensor {
  type Forward = (...args: never[]) => Tensor;
  const op = defineOp(name, forward as unknown as Forward, { nulls: 'kept' });
  const rule = (context: RuleContext, ...args: readonly unknown[]): RuleResult<Tensor> => {
    const given = args as unknown as A;
    const output = (op as unknown as (...all: A) => Tensor)(...given);
    const needs = tensorsIn(args).map((tensor) => context.needs(tensor));
    const saved = saves(output, ...given).map((tensor) => context.save(tensor));
    return { output, backward: (grad) => backward(grad, saved, needs) };
  };
  defineRule(op, rule as Rule<Forward>);
  return op as unknown as (...args: A) => Tensor;
}
