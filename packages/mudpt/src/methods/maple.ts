/**
 * MaPLe: multi-modal prompt learning (Khattak et al., CVPR 2023; github.com/muzairkhattak/multimodal-prompt-learning). Image prompts are
 * linear functions of the text prompts, one for every layer. Its half-precision rounding of prompts is not copied.
 */
import { Linear } from '@mudpt/autograd';
import { copyInto, type Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import { deepContext } from '../prompts/deep-context.ts';
import { defineMethod } from '../method/definition.ts';
import { randomPrompts } from '../prompts/initial.ts';
import { named } from '../prompts/injection/parts.ts';
import type { CreationContext, PromptPlace, TowerPrompts } from '../method/method.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { type Learner, PromptedClip } from '../prompts/prompted.ts';
import { depth, initWords, length } from '../method/settings.ts';

const mapleSettings = z.strictObject({ length: length(2), depth: depth(9), initWords: initWords() });

export class MapleLearner implements Learner {
  readonly learnable: ReadonlyMap<string, Tensor>;
  readonly places: Learner['places'];
  private readonly deep: readonly Tensor[];
  private readonly project: Linear;
  private readonly deepProjects: readonly Linear[];

  /** @param first [n, text width], the first text prompts; taken over */
  constructor(
    context: Pick<CreationContext, 'device' | 'text' | 'image' | 'random'>,
    private readonly first: Tensor,
    layers: number,
  ) {
    const { text, image, device, random } = context;
    const [width, imageWidth] = [text.config.width, image.config.width];
    const options = { device, random };
    const [rows = 0] = first.shape;
    this.project = new Linear(width, imageWidth, options);
    this.deep = Array.from({ length: layers - 1 }, () => randomPrompts([rows, width], context, random));
    this.deepProjects = this.deep.map(() => new Linear(width, imageWidth, options));
    // They all begin as copies of one.
    const [origin] = this.deepProjects;
    for (const copy of this.deepProjects.slice(1)) {
      if (!origin?.bias || !copy.bias) continue;
      copyInto(copy.weight, origin.weight);
      copyInto(copy.bias, origin.bias);
    }
    const texts = ['prompt_learner.ctx', ...this.deep.map((_, index) => `prompt_learner.compound_prompts_text.${index}`)];
    this.learnable = new Map([
      ['prompt_learner.ctx', first],
      ...named('prompt_learner.proj', this.project),
      ...this.deep.map((tensor, index): [string, Tensor] => [texts[index + 1] ?? '', tensor]),
      ...this.deepProjects.flatMap((linear, index) => named(`prompt_learner.compound_prompt_projections.${index}`, linear)),
    ]);
    const places = texts.map((name, layer): PromptPlace => ({ layer, rows, sources: [name] }));
    this.places = { text: places, image: places };
  }

  prompts(): TowerPrompts {
    return {
      text: { first: this.first, deep: this.deep },
      image: {
        first: this.project.forward(this.first),
        deep: this.deepProjects.map((linear, index) => linear.forward(this.deep[index] as Tensor)),
      },
    };
  }
}

export const maple = defineMethod<z.output<typeof mapleSettings>>({
  name: 'maple',
  title: 'MaPLe',
  summary: 'deep text prompts, and image prompts that are linear functions of them',
  settings: mapleSettings,
  training: trainingPreset({ lr: 0.0035, epochs: 5, batchSize: 4 }),
  variants: { 'cross-dataset': { settings: { depth: 3 }, training: { lr: 0.0026, epochs: 2 } } },
  create(context, { length: count, depth: layers, initWords: words }) {
    const depths = { text: { depth: layers }, image: { depth: layers } };
    const { rows, wording } = deepContext(context, { method: 'maple', depths, length: count, words, keepWords: true });
    return new PromptedClip('maple', context, new MapleLearner(context, rows, layers), wording);
  },
});
