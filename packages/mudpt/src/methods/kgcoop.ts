/**
 * KgCoOp: visual-language prompt tuning with knowledge-guided context optimization (Yao et al., CVPR 2023; github.com/htyao89/KgCoOp).
 * CoOp's shared context, whose text features are held near those of a hand-written template.
 */
import { add, crossEntropy, mul, scope, type Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import { meanOfUnits, templateFeatures } from '../features/ensemble.ts';
import { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import type { MethodContext, PromptMethod, StepLoss } from '../method/method.ts';
import { promptSpec } from '../method/prompt-spec.ts';
import type { PublishedSettings } from '../method/published.ts';
import { initWords, length } from '../method/settings.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { cosineDistance } from '../prompts/cosine.ts';
import { GuidedClip } from '../prompts/guided.ts';
import { contextStart } from '../prompts/initial.ts';
import { LearntPrompts, type PromptLearner } from '../prompts/learner.ts';
import { prefixTemplate, type PromptTemplate, textTemplate } from '../prompts/texts/prompt-template.ts';
import { CONTEXT, coopText } from './coop.ts';

const kgcoopSettings = z.strictObject({
  length: length(4),
  initWords: initWords(),
  distanceWeight: z
    .number()
    .min(0)
    .default(8)
    .describe("of the mean cosine distance between texts' features and the hand-written ones"),
  template: z.string().default('').describe("the hand-written text with {} for the class name; empty: the data set's own"),
});

export type KgcoopSettings = z.output<typeof kgcoopSettings>;

export class Kgcoop extends GuidedClip {
  /** @param written the hand-written texts; undefined: for other classes, on which it is not trained */
  constructor(
    context: MethodContext,
    learner: PromptLearner,
    template: PromptTemplate,
    private readonly distanceWeight: number,
    written: PromptTemplate | undefined,
  ) {
    super('kgcoop', context, learner, template, written && ((classes) => unitTexts(classes, written)));
  }

  override loss(images: Tensor, labels: Tensor): StepLoss {
    return scope(() => {
      const { frozenTexts } = this;
      const outputs = this.forward(images);
      const terms = {
        crossEntropy: crossEntropy(outputs.logits, labels),
        distance: mul(cosineDistance(outputs.textFeatures, frozenTexts), this.distanceWeight),
      };
      return { loss: add(terms.crossEntropy, terms.distance), outputs, terms };
    });
  }

  override forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, Kgcoop);
    return new Kgcoop(this.contextFor(other), this.learner, this.template, this.distanceWeight, undefined);
  }
}

/** Frozen features of one template, unit vectors [C, embed]. */
function unitTexts(context: MethodContext, template: PromptTemplate): Tensor {
  using features = templateFeatures(context, [template]);
  return meanOfUnits(features);
}

const SETTINGS = { length: 4, initWords: 'a photo of a', distanceWeight: 8, template: '' } as const;
const TRAINING = { lr: 0.002, epochs: 100, batchSize: 128 } as const;

/** Published settings: its templates are CoOp's, except for the textures. */
function recipe(protocols: PublishedSettings['protocols'], script: string, shots?: readonly number[]): PublishedSettings[] {
  const source = `KgCoOp, ${script} and trainers/kgcoop.py`;
  const all = { protocols, ...(shots && { shots }), settings: SETTINGS, training: TRAINING, source };
  return [all, { ...all, data: ['dtd'], settings: { ...SETTINGS, template: 'a photo of a {}, a type of texture.' } }];
}

export const kgcoop = defineMethod<KgcoopSettings>({
  name: 'kgcoop',
  title: 'KgCoOp',
  summary: 'context tokens in the texts, held near a hand-written template',
  settings: kgcoopSettings,
  training: trainingPreset(TRAINING),
  published: [
    ...recipe(['base-to-new'], 'scripts/base2new_train.sh'),
    ...recipe(['few-shot', 'cross-dataset', 'domain'], 'scripts/xd_train.sh', [4]),
  ],
  variants: {},
  create(context, { length: count, initWords: words, distanceWeight, template: written }) {
    const { tokenizer } = context;
    const { tokens, prefix } = contextStart(context, { words, count, keepWords: false });
    const spec = promptSpec('kgcoop', coopText(tokens.shape, 'end'));
    const learner = new LearntPrompts(spec, new Map([[CONTEXT, tokens]]));
    const texts = textTemplate(tokenizer, written === '' ? undefined : written);
    return new Kgcoop(context, learner, prefixTemplate(tokenizer, prefix), distanceWeight, texts);
  },
});
