/** The conformance kit's CLIP, contexts for methods on it, and every registered method with settings that it allows. */
import { randomFrom } from '@mudpt/autograd';
import type { Clip } from '@mudpt/clip';
import { type Device, type Tensor, tensor } from '@mudpt/tensor';
import { type MethodContext, methodContext, methodNamed, type PromptMethod } from '../src/methods/index.ts';
import { frozenClip, teacherOf } from '../src/prompts/frozen.ts';
import { CLASSES as CONFORMANCE_CLASSES, CONFORMANCE_CONFIG, conformanceClip as tinyClip } from '../src/conformance/subject.ts';

export { stepTensors, type Numbers, numbers, relativeError } from '../src/conformance/numbers.ts';

export { CONFORMANCE_CONFIG as TINY };

export const { classNames: CLASSES } = CONFORMANCE_CLASSES;

export { tinyClip };

export function tinyContext(clip: Clip, more: Partial<MethodContext> = {}): Promise<MethodContext> {
  return methodContext(clip, { classNames: CLASSES, template: 'a photo of a {}.', seed: 3, ...more });
}

/** A batch of random images and labels. */
export function tinyBatch(
  device: Device,
  count = 3,
  size = CONFORMANCE_CONFIG.image.size,
): { readonly images: Tensor; readonly labels: Tensor } {
  const random = randomFrom(5);
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
  const definition = methodNamed(name);
  const teacher = definition.needsTeacher &&
    !context.teacher && {
      teacher: teacherOf('a frozen CLIP', frozenClip(context), { embed: context.embed, bytes: 0 }),
    };
  const method = definition.create({ ...teacher, ...context }, settings);
  if (method.kind !== 'prompts') throw new Error(`${name} learns no prompts`);
  return method;
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
  ['coop', { length: 3, position: 'front' }],
  ['coop', { length: 2, classSpecific: true }],
  ['coop', { length: 3, classSpecific: true, position: 'middle' }],
  ['cocoop', { reduction: 4 }],
  ['clip-adapter', {}],
  ['taskres', { templates: ['a {}.', 'the {} itself.'] }],
  ['taskres', { residualWeight: 1, underscores: 'spaces' }],
  ['prolip', { templates: ['a {}.', 'the {} itself.'] }],
  ['kgcoop', { length: 3 }],
  ['prograd', { length: 5, temperature: 2, template: 'a type of cat, {}.' }],
  ['tcp', { length: 3, layer: 2 }],
  ['tcp', { layer: 3, template: 'a photo of a {}, on paper.', handTemplate: 'the {}.' }],
  ['atprompt', { length: 1, attributes: ['luxurious'] }],
  ['atprompt', { form: 'maple', depth: 3, length: 2, attributes: ['color', 'playfulness'] }],
  ['dept', { base: 'cocoop', weight: 0.4, baseSettings: { reduction: 4 } }],
  ['dept', { base: 'promptsrc', baseSettings: { textDepth: 2, imageDepth: 2, templates: ['a {}.'] } }],
  ['clip-lora', { dropout: 0 }],
  ['clip-lora', { dropout: 0, rank: 3, projections: ['v', 'out'], position: 'half-up' }],
  ['clip-lora', { dropout: 0, projections: ['q'], towers: 'image' }],
  ['clip-lora', { dropout: 0, towers: 'text', template: '' }],
  ['mma', { width: 5, firstLayer: 2, lastLayer: 3, scale: 0.5 }],
  ['mma', { width: 20, firstLayer: 3, lastLayer: 3, scale: 0.1, template: '' }],
  ['mmrl', { length: 2, width: 7, firstLayer: 2, lastLayer: 3 }],
  ['mmrl', { length: 3, width: 30, firstLayer: 2, lastLayer: 2, alpha: 0.4 }],
  ['coprompt', { depth: 3 }],
  ['coprompt', { depth: 1, length: 3, reduction: 3, imageRatio: 0.6, templates: ['the {} itself.'] }],
  ['promptkd', { depth: 2, temperature: 2, weight: 50 }],
  ['vpt', { depth: 2 }],
];

/** Every method that is fitted to features, with searches that end soon. */
export const FEATURE_METHODS: typeof PROMPT_METHODS = [
  ['zero-shot', {}],
  ['zero-shot', { selected: true }],
  ['linear-probe', { strengths: [1, 1e-2], searchSteps: 1, maxIterations: 50 }],
  ['lp-plus-plus', { epochs: 12 }],
  ['tip-adapter', { betaSteps: 3, alphaSteps: 3, cachePasses: 2 }],
  ['tip-adapter-f', { betaSteps: 3, alphaSteps: 3, cachePasses: 0, epochs: 2, batchSize: 5 }],
];
