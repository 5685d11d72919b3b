/**
 * CLIP-Adapter: better vision-language models with feature adapters (Gao et al., IJCV 2024; github.com/gaopengcuhk/CLIP-Adapter). A small
 * network on the image feature, mixed with the feature itself; the texts stay as they are.
 */
import { Linear } from '@mudpt/autograd';
import { add, linear, mul, scope, type Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import type { MethodContext, PromptMethod, TowerPrompts } from '../method/method.ts';
import { promptSpec } from '../method/prompt-spec.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { LearntPrompts, type PromptLearner, shapesOf } from '../prompts/learner.ts';
import { type Ownership, PromptedClip } from '../prompts/prompted.ts';
import { type PromptTemplate, textTemplate } from '../prompts/texts/prompt-template.ts';

const clipAdapterSettings = z.strictObject({
  reduction: z.int().positive().default(4).describe('the network between has embed / reduction channels'),
  ratio: z.number().min(0).max(1).default(0.2).describe("share of the network's output in the feature"),
  template: z.string().default('').describe("the text with {} for the class name; empty: the data set's own"),
});

export type ClipAdapterSettings = z.output<typeof clipAdapterSettings>;

/** The network's matrices, [embed / reduction, embed] and back. */
const DOWN = 'adapter.fc.0.weight';
const UP = 'adapter.fc.2.weight';

/** relu(up relu(down x)) of features [B, embed]: never negative. Source: class Adapter of clip_adapter.py. */
export function adapterOutput(features: Tensor, down: Tensor, up: Tensor): Tensor {
  return scope(() => linear(linear(features, down, undefined, { activation: 'relu' }), up, undefined, { activation: 'relu' }));
}

export class ClipAdapter extends PromptedClip {
  constructor(
    context: MethodContext,
    learner: PromptLearner,
    template: PromptTemplate,
    private readonly ratio: number,
    ownership?: Ownership,
  ) {
    super('clip-adapter', context, learner, template, ownership);
  }

  override forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, ClipAdapter);
    return new ClipAdapter(this.contextFor(other), this.learner, this.template, this.ratio, { owns: false });
  }

  protected override imageFeatures(images: Tensor, prompts: TowerPrompts): Tensor {
    return scope(() => {
      const frozen = super.imageFeatures(images, prompts);
      const [down, up] = [this.learnable.get(DOWN), this.learnable.get(UP)] as [Tensor, Tensor];
      return add(mul(adapterOutput(frozen, down, up), this.ratio), mul(frozen, 1 - this.ratio));
    });
  }
}

export const clipAdapter = defineMethod<ClipAdapterSettings>({
  name: 'clip-adapter',
  title: 'CLIP-Adapter',
  summary: 'a small network on the image feature, mixed with the feature itself',
  settings: clipAdapterSettings,
  // The authors give no settings of training: the file is run with CoOp's configurations, of which these are those of 16 shots.
  training: trainingPreset({ lr: 0.002, epochs: 200, batchSize: 32 }),
  published: [
    {
      protocols: ['few-shot'],
      settings: { reduction: 4, ratio: 0.2, template: '' },
      source: 'CLIP-Adapter, clip_adapter.py (training: as CoOp)',
    },
  ],
  variants: {},
  create(context, { reduction, ratio, template }) {
    const { device, embed, random, tokenizer } = context;
    const hidden = Math.max(1, Math.floor(embed / reduction));
    const down = new Linear(embed, hidden, { device, random, bias: false });
    const up = new Linear(hidden, embed, { device, random, bias: false });
    const learnable = new Map([
      [DOWN, down.weight],
      [UP, up.weight],
    ]);
    const spec = promptSpec('clip-adapter', { parameters: shapesOf(learnable), features: { image: [DOWN, UP] } });
    const texts = textTemplate(tokenizer, template === '' ? undefined : template);
    return new ClipAdapter(context, new LearntPrompts(spec, learnable), texts, ratio);
  },
});
