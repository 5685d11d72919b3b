/**
 * Jacobian-vector products (forward mode) and Hessian-vector products, by differentiating a recorded backward pass: no op needs a forward-mode
 * rule. A jvp costs about three forward passes and the memory of a backward pass, a Hessian-vector product about four.
 */
import { add, mul, scope, sum, type Tensor, TensorError, zeros } from '@mudpt/tensor/functions';
import type { Gradients } from '../tape/gradients.ts';
import { Tape } from '../tape/tape.ts';
import { expectTensor, vectorsFor, watchArguments } from './arguments.ts';
import { runScoped } from './run-scoped.ts';
import { mapLeaves, type TreeOfGradients } from './tree.ts';

const FIX = 'await before it: the function computes a tensor and returns it';

/** Vectors in the structure of the first arguments; undefined, or left out, for an argument that counts as a constant. */
export type VectorsOf<A extends readonly unknown[]> = { readonly [I in keyof A]?: TreeOfGradients<A[I]> | undefined };

/** The sum over all tensors of <gradient, vector>; undefined where there is no gradient. */
function inner(gradients: Gradients, handles: readonly Tensor[], vectors: readonly Tensor[]): Tensor | undefined {
  const products = handles.flatMap((handle, index) => {
    const [gradient, vector] = [gradients.get(handle), vectors[index]];
    return gradient && vector ? [sum(mul(gradient, vector))] : [];
  });
  return products.length === 0 ? undefined : products.reduce((total, product) => add(total, product));
}

/**
 * The value of `f` at `args`, and its derivative along `tangents`: how the value changes as the arguments move that way.
 *
 * ```ts
 * const { value, tangent } = jvp((x: Tensor) => sin(x), [x], [direction]);
 * ```
 * @param f gives a tensor of any shape
 * @param tangents of the structure and shapes of the arguments
 * @throws TensorError, ShapeError for vectors that do not fit; what a tape throws where an op in `f` is not twice differentiable
 * @example
 * const { value, tangent } = jvp((x: Tensor) => x.mul(x).sum(), [tensor([1, 2])], [tensor([0, 1])]);
 * console.log([await value.item(), await tangent.item()]); // [5,4]
 */
export function jvp<A extends readonly unknown[]>(
  f: (...args: A) => Tensor,
  args: A,
  tangents: VectorsOf<A>,
): { readonly value: Tensor; readonly tangent: Tensor } {
  return scope(() => {
    const { positions, vectors } = vectorsFor('jvp', args, tangents as readonly unknown[]);
    using outer = new Tape({ listen: false, parameters: false });
    using tape = new Tape({ listen: false, parameters: false });
    // The backward is linear in the cotangent, so its derivative by it is the same everywhere, also at 0.
    const made = outer.record(() => {
      const { given, handles } = watchArguments('jvp', tape, args, positions);
      const run = (): Tensor => f(...(given as unknown as A));
      const value = expectTensor(
        'jvp',
        tape.record(() => runScoped('jvp', run, FIX)),
      );
      const cotangent = outer.watch(zeros(value.shape, { device: value.device, dtype: value.dtype }));
      return {
        value,
        cotangent,
        along: tape.needs(value) ? inner(tape.backward(value, cotangent), handles, vectors) : undefined,
      };
    });
    const { value, cotangent, along } = made;
    const tangent = along && outer.needs(along) ? outer.backward(along).get(cotangent) : undefined;
    return { value, tangent: tangent ?? zeros(value.shape, { device: value.device, dtype: value.dtype }) };
  });
}

/**
 * The product of the Hessian of `f`, a loss of one element, with `vectors`, beside value and gradients: what Newton and conjugate gradient methods
 * need, without the Hessian itself.
 *
 * ```ts
 * const { value, gradients, products } = hessianVector((w: Tensor) => loss(w), [w], [direction]);
 * ```
 * @param vectors of the structure and shapes of the arguments; second derivatives are by the arguments that have one
 * @returns gradients and products in the places of the vectors
 * @throws TensorError, ShapeError for vectors that do not fit or a loss of several elements; what a tape throws where an op in `f` is not twice differentiable
 * @example
 * const { products } = hessianVector((x: Tensor) => x.mul(x).mul(x).sum(), [tensor([1, 2])], [tensor([1, 0])]);
 * console.log(await products[0].data()); // [6,0]
 */
export function hessianVector<A extends readonly unknown[]>(
  f: (...args: A) => Tensor,
  args: A,
  vectors: VectorsOf<A>,
): { readonly value: Tensor; readonly gradients: VectorsOf<A>; readonly products: VectorsOf<A> } {
  return scope(() => {
    const op = 'hessianVector';
    const { positions, vectors: flat } = vectorsFor(op, args, vectors as readonly unknown[]);
    using outer = new Tape({ listen: false, parameters: false });
    const { given, handles, trees } = watchArguments(op, outer, args, positions);
    const { value, gradients, along } = outer.record(() => {
      using tape = new Tape({ listen: false, parameters: false });
      for (const handle of handles) tape.watch(handle);
      const loss = expectTensor(
        op,
        tape.record(() => runScoped(op, () => f(...(given as unknown as A)), FIX)),
      );
      if (loss.size !== 1)
        throw new TensorError(op, `the function returned a loss of shape [${loss.shape.join(', ')}]`, 'reduce it to one element');
      const slopes = tape.needs(loss) ? tape.backward(loss) : undefined;
      return { value: loss, gradients: slopes, along: slopes && inner(slopes, handles, flat) };
    });
    const second = along && outer.needs(along) ? outer.backward(along) : undefined;
    const inPlaces = (of: (handle: Tensor) => Tensor | undefined): VectorsOf<A> => {
      const places: unknown[] = vectors.map(() => undefined);
      positions.forEach((position, index) => {
        places[position] = mapLeaves(
          trees[index],
          (handle) => of(handle) ?? zeros(handle.shape, { device: handle.device, dtype: handle.dtype }),
        );
      });
      return places as unknown as VectorsOf<A>;
    };
    return {
      value,
      gradients: inPlaces((handle) => gradients?.get(handle)),
      products: inPlaces((handle) => second?.get(handle)),
    };
  });
}
