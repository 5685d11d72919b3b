/**
 * MaPLe: multi-modal prompt learning (Khattak et al., CVPR 2023; github.com/muzairkhattak/multimodal-prompt-learning). Image prompts are
 * linear functions of the text prompts, one for every layer. Its half-precision rounding of prompts is not copied.
 */
import { Linear } from '@mudpt/autograd';
import { copyInto, type Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import { defineMethod } from '../method/definition.ts';
import type { CreationContext, TowerPrompts } from '../method/method.ts';
import { promptSpec, type PromptSpec } from '../method/prompt-spec.ts';
import { depth, initWords, length } from '../method/settings.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { deepContext } from '../prompts/deep-context.ts';
import { named } from '../prompts/injection/parts.ts';
import { AFTER_PATCHES, AFTER_START, computedPrompts, separatePrompts, type TokenShape } from '../prompts/layers.ts';
import { drawPrompts, type PromptLearner, shapesOf } from '../prompts/learner.ts';
import { PromptedClip } from '../prompts/prompted.ts';

const mapleSettings = z.strictObject({ length: length(2), depth: depth(9), initWords: initWords() });

const CONTEXT = 'prompt_learner.ctx';

export class MapleLearner implements PromptLearner {
  readonly spec: PromptSpec;
  readonly learnable: ReadonlyMap<string, Tensor>;
  /** Text tokens and their projections, by layer. */
  private readonly layers: readonly { readonly tokens: Tensor; readonly project: Linear }[];

  /** @param first [n, text width], the first context tokens; taken over */
  constructor(context: Pick<CreationContext, 'device' | 'text' | 'image' | 'random'>, first: Tensor, depth: number) {
    const [n, width] = first.shape as unknown as TokenShape;
    const imageWidth = context.image.config.width;
    const deep = Array.from({ length: depth - 1 }, (_, index) => `prompt_learner.compound_prompts_text.${index}`);
    const text = separatePrompts([CONTEXT, ...deep], [n, width]);
    const image = computedPrompts(
      [CONTEXT, ...deep].map((name) => [name]),
      [n, imageWidth],
    );
    const { device, random } = context;
    const linear = (): Linear => new Linear(width, imageWidth, { device, random });
    // In the order in which the authors' learner begins.
    const project = linear();
    const tokens = [...drawPrompts(text.parameters, context, { [CONTEXT]: first }).values()];
    const projects = [project, ...copies(Array.from(deep, linear))];
    this.layers = projects.map((linearOfLayer, layer) => ({ tokens: tokens[layer] as Tensor, project: linearOfLayer }));
    const deepTokens = deep.map((name, index) => [name, tokens[index + 1] as Tensor] as const);
    this.learnable = new Map([
      [CONTEXT, first],
      ...named('prompt_learner.proj', project),
      ...deepTokens,
      ...projects.slice(1).flatMap((deeper, index) => named(`prompt_learner.compound_prompt_projections.${index}`, deeper)),
    ]);
    this.spec = promptSpec('maple', {
      parameters: shapesOf(this.learnable),
      text: { ...text.tower, ...AFTER_START },
      image: { ...image.tower, ...AFTER_PATCHES },
    });
  }

  prompts(): TowerPrompts {
    return {
      text: this.layers.map(({ tokens }) => tokens),
      image: this.layers.map(({ tokens, project }) => project.forward(tokens)),
    };
  }
}

/** All of them begin as the first. */
function copies(linears: readonly Linear[]): readonly Linear[] {
  const [origin] = linears;
  for (const copy of linears.slice(1)) {
    if (!origin?.bias || !copy.bias) continue;
    copyInto(copy.weight, origin.weight);
    copyInto(copy.bias, origin.bias);
  }
  return linears;
}

export const maple = defineMethod<z.output<typeof mapleSettings>>({
  name: 'maple',
  title: 'MaPLe',
  summary: 'deep text prompts, and image prompts that are linear functions of them',
  settings: mapleSettings,
  training: trainingPreset({ lr: 0.0035, epochs: 5, batchSize: 4 }),
  published: [
    {
      protocols: ['base-to-new'],
      settings: { length: 2, depth: 9 },
      training: { lr: 0.0035, epochs: 5, batchSize: 4 },
      source: 'MaPLe, configs/trainers/MaPLe/vit_b16_c2_ep5_batch4_2ctx.yaml',
    },
    {
      protocols: ['cross-dataset', 'domain'],
      settings: { length: 2, depth: 3 },
      training: { lr: 0.0026, epochs: 2, batchSize: 4 },
      source: 'MaPLe, configs/trainers/MaPLe/vit_b16_c2_ep5_batch4_2ctx_cross_datasets.yaml',
    },
  ],
  variants: {},
  create(context, { length: count, depth: layers, initWords: words }) {
    const depths = { text: { depth: layers }, image: { depth: layers } };
    const { first, template } = deepContext(context, { method: 'maple', depths, length: count, words, keepWords: true });
    return new PromptedClip('maple', context, new MapleLearner(context, first, layers), template);
  },
});
