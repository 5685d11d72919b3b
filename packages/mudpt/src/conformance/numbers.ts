/** Results of a step as numbers on the host, and their comparison. */
import { add, mul, scope, type Tensor } from '@mudpt/tensor';
import { MethodError } from '../method/errors.ts';
import { gradientParts, stepGradients } from '../method/gradients.ts';
import type { PromptMethod } from '../method/method.ts';

export type Numbers = ReadonlyMap<string, ArrayLike<number>>;

/** Second views of the images, for a method that declares them; not random, so that results can be compared. */
export function secondViews({ views }: PromptMethod, images: Tensor): Tensor | undefined {
  return views === 2 ? add(mul(images, 0.5), 0.1) : undefined;
}

/** The learnt tensors without running statistics. */
export function movedByGradients({ learnable, spec }: PromptMethod): ReadonlyMap<string, Tensor> {
  return new Map([...learnable].filter(([name]) => !spec.statistics?.includes(name)));
}

/** The loss, and by name the gradient that an optimizer gets for each learnt tensor; can be captured. */
export function stepTensors(
  method: PromptMethod,
  images: Tensor,
  labels: Tensor,
): { readonly loss: Tensor; readonly gradients: Readonly<Record<string, Tensor>> } {
  const { value, gradients } = stepGradients(method, images, labels, secondViews(method, images));
  return {
    loss: value.loss,
    gradients: Object.fromEntries([...movedByGradients(method)].map(([key, parameter]) => [key, gradients.of(parameter)])),
  };
}

/**
 * Everything that a step computes, read: loss, outputs, and the gradients of what is learnt (`grad NAME`), empty ones left out. Where the method has a
 * gradient rule these are the gradients that it combines (`grad NAME, GUIDE` those of its guides): a combination may cancel, and so make more of
 * rounding.
 */
export async function numbers(method: PromptMethod, images: Tensor, labels: Tensor): Promise<Numbers> {
  return await scope(async () => {
    const { value, parts } = gradientParts(method, images, labels, secondViews(method, images));
    const found = new Map<string, ArrayLike<number>>([['loss', await value.loss.data()]]);
    for (const [name, output] of Object.entries(value.outputs)) found.set(name, await output.data());
    for (const [name, parameter] of movedByGradients(method)) {
      if (parameter.size === 0) continue;
      found.set(`grad ${name}`, await parts.loss.of(parameter).data());
      for (const [guide, of] of parts.guides) {
        const gradient = of.get(parameter);
        if (gradient) found.set(`grad ${name}, ${guide}`, await gradient.data());
      }
    }
    return found;
  });
}

/** Values of tensors by name, empty ones left out. */
export async function valuesOf(tensors: ReadonlyMap<string, Tensor>): Promise<Map<string, ArrayLike<number>>> {
  const found = new Map<string, ArrayLike<number>>();
  for (const [name, parameter] of tensors) if (parameter.size > 0) found.set(name, await parameter.data());
  return found;
}

/** ||a - b|| / ||b||; ||a|| where b is zero. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [squares, norm] = [0, 0];
  for (let i = 0; i < b.length; i += 1) {
    const [found, expected] = [a[i] ?? Number.NaN, b[i] as number];
    squares += (found - expected) ** 2;
    norm += expected ** 2;
  }
  return Math.sqrt(norm > 0 ? squares / norm : squares);
}

/**
 * @param tolerance of the relative error of each; 0: the same bits
 * @throws MethodError naming the first numbers that differ
 */
export function expectNumbers(method: string, what: string, found: Numbers, expected: Numbers, tolerance: number): void {
  const missing = [...expected.keys()].filter((name) => !found.has(name));
  if (missing.length > 0)
    throw new MethodError(method, `${what}: ${missing.join(', ')} is not there`, 'compute the same outputs');
  for (const [name, values] of expected) {
    const actual = found.get(name) ?? [];
    const error = actual.length === values.length ? relativeError(actual, values) : Number.NaN;
    if (error <= tolerance) continue;
    const allowed = tolerance === 0 ? 'no bit may differ' : `${tolerance} is allowed`;
    throw new MethodError(
      method,
      `${what}: ${name} differs (${actual.length} of ${values.length} numbers, relative error ${error.toExponential(1)}; ${allowed})`,
      'see what this check compares in mudpt/conformance',
    );
  }
}
