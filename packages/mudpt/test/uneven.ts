/** A small CLIP whose sizes all differ, so that no two can be mixed up unseen; and contexts for methods on it. */
import { randomFrom, valueAndGrad } from '@mudpt/autograd';
import { type Clip, type ClipConfig, randomClip } from '@mudpt/clip';
import { type Device, scope, type Tensor, tensor } from '@mudpt/tensor';
import { type MethodContext, methodContext, methodNamed, type PromptMethod } from '../src/methods/index.ts';

export const TINY: ClipConfig = {
  embed: 16,
  image: { width: 24, heads: 2, layers: 3, hidden: 48, activation: 'quick_gelu', eps: 1e-5, size: 16, patch: 8 },
  text: { width: 20, heads: 2, layers: 4, hidden: 40, activation: 'quick_gelu', eps: 1e-5, context: 24, vocabulary: 49408 },
};

export const CLASSES = ['cat', 'great_white shark', 'Boeing 737-800', 'cat'];

export function tinyClip(device: Device): Clip {
  return randomClip(TINY, randomFrom(11), { device });
}

export function tinyContext(clip: Clip, more: Partial<MethodContext> = {}): Promise<MethodContext> {
  return methodContext(clip, { classNames: CLASSES, template: 'a photo of a {}.', seed: 3, ...more });
}

/** A batch of random images and labels. */
export function tinyBatch(device: Device, count = 3): { readonly images: Tensor; readonly labels: Tensor } {
  const random = randomFrom(5);
  const { size } = TINY.image;
  const pixels = Float32Array.from({ length: count * 3 * size * size }, () => 2 * random() - 1);
  return {
    images: tensor(pixels, { shape: [count, 3, size, size], device }),
    labels: tensor(
      Int32Array.from({ length: count }, (_, at) => at % CLASSES.length),
      { device },
    ),
  };
}

/** A method that learns prompts, by name. */
export function tinyMethod(context: MethodContext, name: string, settings: Record<string, unknown> = {}): PromptMethod {
  const method = methodNamed(name).create(context, settings);
  if (method.kind !== 'prompts') throw new Error(`${name} learns no prompts`);
  return method;
}

/** The loss, and the gradient of everything learnt by its name; fit to be captured. */
export function lossAndGradients(
  method: PromptMethod,
  images: Tensor,
  labels: Tensor,
): { readonly loss: Tensor; readonly gradients: Readonly<Record<string, Tensor>> } {
  const { value, gradients } = valueAndGrad(() => method.loss(images, labels));
  return {
    loss: value.loss,
    gradients: Object.fromEntries([...method.learnable].map(([key, own]) => [key, gradients.of(own)])),
  };
}

export type Numbers = ReadonlyMap<string, ArrayLike<number>>;

/** Everything that a step computes, read: loss, outputs, and the gradients of what is learnt (`grad NAME`), empty ones left out. */
export async function numbers(method: PromptMethod, images: Tensor, labels: Tensor): Promise<Numbers> {
  return await scope(async () => {
    const { value, gradients } = valueAndGrad(() => method.loss(images, labels));
    const found = new Map<string, ArrayLike<number>>([['loss', await value.loss.data()]]);
    for (const [name, output] of Object.entries(value.outputs)) found.set(name, await output.data());
    for (const [name, own] of method.learnable) if (own.size > 0) found.set(`grad ${name}`, await gradients.of(own).data());
    return found;
  });
}

/** ||a - b|| / ||b||; ||a|| where b is zero. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [squares, norm] = [0, 0];
  for (let i = 0; i < b.length; i += 1) {
    squares += ((a[i] ?? Number.NaN) - (b[i] ?? 0)) ** 2;
    norm += (b[i] ?? 0) ** 2;
  }
  return Math.sqrt(norm > 0 ? squares / norm : squares);
}

/** Every prompt method, with settings that the tiny towers allow. */
export const PROMPT_METHODS: readonly (readonly [name: string, settings: Record<string, unknown>])[] = [
  ['mudpt', { depth: 3 }],
  ['mudpt', { depth: 2, length: 5, injection: 'linear' }],
  ['mudpt', { depth: 3, injection: 'cross-attention' }],
  ['umudpt', { depth: 3 }],
  ['maple', { depth: 3 }],
  ['ivlp', { textDepth: 4, imageDepth: 2 }],
  ['deep-language', { depth: 3, length: 3 }],
  ['promptsrc', { textDepth: 2, imageDepth: 2, templates: ['a {}.', 'the {} itself.'] }],
  ['coop', { length: 4 }],
  ['coop', { length: 5, position: 'middle' }],
  ['coop', { length: 2, classSpecific: true }],
  ['cocoop', {}],
  ['vpt', { depth: 2 }],
];
