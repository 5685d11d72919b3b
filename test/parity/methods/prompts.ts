/** Methods that learn prompts by gradient steps: created through the registry, given the golden's initial values, trained as it says. */
import { AdamW, SGD } from '@mudpt/autograd';
import { capture, copyInto, reshape, scope, stack, sub, type Tensor, zeros } from '@mudpt/tensor';
import { type MethodContext, methodNamed, type PromptMethod, stepGradients, type StepOptimizer } from 'mudpt';
import type { HostTensor } from '../golden.ts';
import { Unsupported } from '../options.ts';
import type { MethodCase } from './case.ts';
import { goldenTokenizer, newClasses } from './tokenizer.ts';

export type Results = Map<string, Tensor | HostTensor>;

/** A context whose classes are called 0, 1, ... and whose texts are the golden's ids. */
export async function contextOf(golden: MethodCase, classes: number): Promise<MethodContext> {
  const { image, text, config, logitScale } = golden.clip;
  if (!image || !text) throw new Unsupported('the weights are not those of both towers');
  return {
    device: golden.device,
    image,
    text,
    embed: config.embed,
    scale: Math.exp(await logitScale.item()),
    tokenizer: goldenTokenizer(golden, classes),
    classNames: Array.from({ length: classes }, (_, label) => String(label)),
    template: 'fixed {}.',
    seed: 1,
  };
}

/** The method of a golden, with its initial values. The caller disposes it. */
export async function createMethod(
  golden: MethodCase,
  name: string,
  settings: Record<string, unknown>,
  more: Partial<MethodContext> = {},
): Promise<PromptMethod> {
  const ids = golden.tensors.has('input.token_ids') ? 'input.token_ids' : 'input.template_token_ids';
  const context = await contextOf(golden, golden.host(ids).shape.at(-2) ?? 0);
  const method = methodNamed(name).create({ ...context, ...more }, settings);
  if (method.kind !== 'prompts') throw new Unsupported(`${name} learns no prompts`);
  startFrom(golden, method, 'init.');
  return method;
}

/** Gives what is learnt the values the file has for it. @throws Error when names or shapes differ */
export function startFrom(golden: MethodCase, { learnable }: PromptMethod, prefix: string): void {
  const wanted = JSON.parse(golden.metadata['learnable'] ?? '[]') as string[];
  const differ = [...new Set([...wanted, ...learnable.keys()])].filter((name) => !wanted.includes(name) || !learnable.has(name));
  if (differ.length > 0) throw new Error(`what is learnt differs: ${differ.join(', ')}`);
  scope(() => {
    for (const [name, tensor] of learnable) copyInto(tensor, golden.tensor(prefix + name));
  });
}

/** SGD, or AdamW, as the metadata asks for. */
function optimizerOf(golden: MethodCase, { learnable }: PromptMethod): StepOptimizer {
  const { metadata } = golden;
  const parameters = [...learnable.values()];
  if (metadata['optimizer'] !== 'AdamW')
    return new SGD(parameters, {
      lr: golden.number('sgd_lr'),
      momentum: golden.number('sgd_momentum'),
      weightDecay: golden.number('sgd_weight_decay'),
    });
  const [beta1, beta2] = JSON.parse(metadata['betas'] ?? '[0.9, 0.999]') as [number, number];
  const [lr, weightDecay, eps] = [golden.number('lr'), golden.number('weight_decay'), golden.number('eps')];
  return new AdamW(parameters, { lr, weightDecay, eps, betas: [beta1, beta2] });
}

/** Steps as the metadata asks for, captured once and replayed. */
export class Training {
  private readonly lr: number;
  private readonly run;

  constructor(
    golden: MethodCase,
    private readonly method: PromptMethod,
    private readonly optimizer: StepOptimizer = optimizerOf(golden, method),
  ) {
    const images2 = method.views === 2 ? golden.tensor('input.image2') : undefined;
    this.lr = Number(optimizer.groups[0]?.options.lr);
    this.run = capture(
      ({ images, labels, lr }: { images: Tensor; labels: Tensor; lr: Tensor }) => {
        const { value, gradients } = stepGradients(method, images, labels, images2);
        this.optimizer.step(gradients, { lr });
        const named = [...method.learnable].map(([name, tensor]): [string, Tensor] => [
          name,
          gradients.get(tensor) ?? zeros(tensor.shape, { device: tensor.device }),
        ]);
        return { ...value, gradients: Object.fromEntries(named) };
      },
      { device: golden.device },
    );
  }

  /** One step, at the optimizer's rate or another. The result is overwritten by the next. */
  step(images: Tensor, labels: Tensor, lr = this.lr): ReturnType<typeof this.run> {
    return this.run({ images, labels, lr });
  }

  dispose(): void {
    this.run.dispose();
    this.optimizer.dispose();
    this.method.dispose();
  }
}

/** A copy on the host: results of a captured step last until the next one. */
export async function read(value: Tensor): Promise<HostTensor> {
  return { shape: value.shape, values: Float32Array.from(await value.data()) };
}

/** What differs between trainings of one golden. */
export interface TrainInput {
  /** Default: the golden's. */
  readonly labels?: Tensor;
  /** The learning rate of each step; default: always the optimizer's. */
  readonly rateOf?: (step: number) => number;
  /** Called before each step. */
  readonly before?: (step: number) => void;
}

/**
 * What all goldens of this kind expect: the first step in full, the losses of all, and where they lead.
 * @param terms names in the golden of what the loss calls its terms
 * @param afterwards computes what else is expected, while the method has its final parameters
 */
export async function train(
  golden: MethodCase,
  method: PromptMethod,
  terms: Readonly<Record<string, string>> = {},
  afterwards?: (results: Results) => Promise<void>,
  { labels = golden.tensor('input.label'), rateOf, before }: TrainInput = {},
): Promise<Results> {
  const results: Results = new Map();
  const images = golden.tensor('input.image');
  const training = new Training(golden, method);
  try {
    const losses: number[] = [];
    for (let step = 0; step < golden.number('steps'); step += 1) {
      before?.(step);
      const { loss, outputs, terms: parts, gradients } = training.step(images, labels, rateOf?.(step));
      losses.push(await loss.item());
      if (step > 0) continue;
      results.set('expect.loss', await read(loss));
      results.set('expect.logits', await read(outputs.logits));
      results.set('expect.image_features', await read(outputs.imageFeatures));
      results.set('expect.text_features', await read(outputs.textFeatures));
      for (const [ours, theirs] of Object.entries(terms)) results.set(theirs, await read(parts[ours] as Tensor));
      for (const [name, gradient] of Object.entries(gradients)) results.set(`grad.${name}`, await read(gradient));
    }
    results.set('expect.losses', { shape: [losses.length], values: Float32Array.from(losses) });
    for (const [name, tensor] of method.learnable) results.set(`final.${name}`, await read(tensor));
    results.set('expect.final_logits', await read(evaluated(method, images)));
    await afterwards?.(results);
    return results;
  } finally {
    training.dispose();
  }
}

/** Logits the way evaluation gets them: text features first, once. */
export function evaluated(method: PromptMethod, images: Tensor): Tensor {
  return scope(() => method.evaluate(images, method.textFeatures()));
}

/** Both injections as differences between what the towers get and the learnt prompts (zero where there are none). */
export async function injections(golden: MethodCase, method: PromptMethod, learner: string): Promise<Results> {
  const results: Results = new Map();
  const expected = (name: string): boolean => golden.tensors.has(name);
  if (!expected('expect.text_to_vision_layer0')) return results;
  const learnt = (name: string): Tensor | undefined => method.learnable.get(name);
  const { device } = golden;
  const computed = scope(() => {
    const { text, image } = method.prompts() ?? {};
    if (!text || !image) throw new Error('no prompts reach the towers');
    const [firstText, ...deepTexts] = text as readonly Tensor[];
    const [firstImage, ...deepImages] = image as readonly Tensor[];
    if (!firstText || !firstImage) throw new Error('no prompts enter at the input');
    const stacked = (layers: readonly Tensor[], like: Tensor, learntOnes: Tensor | undefined): Tensor => {
      const joined = layers.length > 0 ? stack(layers) : zeros([0, ...like.shape], { device });
      return learntOnes && joined.size > 0 ? sub(joined, learntOnes) : joined;
    };
    const first = learnt('image_encoder.visual_ctx');
    return {
      layer0: reshape(first ? sub(firstImage, first) : firstImage, [1, ...firstImage.shape]),
      deepImage: stacked(deepImages, firstImage, learnt('image_encoder.visual_ctx_deep_prompts')),
      deepText: stacked(deepTexts, firstText, learnt(`${learner}.deep_prompts`)),
      fed: stacked(deepTexts, firstText, undefined),
    };
  });
  results.set('expect.text_to_vision_layer0', await read(computed.layer0));
  results.set('expect.text_to_vision_deep', await read(computed.deepImage));
  results.set('expect.deep_text_prompts_fed', await read(computed.fed));
  if (expected('expect.vision_to_text_deep')) results.set('expect.vision_to_text_deep', await read(computed.deepText));
  return results;
}

/** The goldens give terms of a loss before their weights. */
export function unweigh(results: Results, name: string, weight: number): void {
  const found = results.get(name);
  if (found && 'values' in found) results.set(name, { shape: found.shape, values: found.values.map((value) => value / weight) });
}

/** Logits of the images with the second set of classes, as evaluation on new classes gets them. */
export async function newLogits(golden: MethodCase, method: PromptMethod, results: Results): Promise<void> {
  const other = method.forContext({ classNames: newClasses(golden), template: 'fixed {}.' });
  results.set('expect.new_logits', await read(evaluated(other, golden.tensor('input.image'))));
  other.dispose();
}
