/**
 * ProGrad: prompt-aligned gradient for prompt tuning (Zhu et al., ICCV 2023; github.com/BeierZhu/Prompt-align). CoOp's shared context, whose
 * gradient loses what it has against the predictions of the frozen model.
 */
import { noGrad } from '@mudpt/autograd';
import {
  cat,
  crossEntropy,
  div,
  keep,
  logSoftmax,
  maximum,
  mean,
  minimum,
  mul,
  scope,
  softmax,
  sub,
  sum,
  type Tensor,
  zeros,
} from '@mudpt/tensor';
import { z } from 'zod';
import { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import type { CreationContext, GradientRule, MethodContext, PromptMethod, StepLoss } from '../method/method.ts';
import { promptSpec } from '../method/prompt-spec.ts';
import type { PublishedSettings } from '../method/published.ts';
import { initWords, length } from '../method/settings.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { templateFeatures, plainMean } from '../features/ensemble.ts';
import { cosineLogits } from '../prompts/cosine.ts';
import { GuidedClip } from '../prompts/guided.ts';
import { placeholders, randomPrompts } from '../prompts/initial.ts';
import { LearntPrompts, type PromptLearner } from '../prompts/learner.ts';
import { prefixTemplate, type PromptTemplate, textTemplate } from '../prompts/texts/prompt-template.ts';
import { CONTEXT, coopText } from './coop.ts';

const progradSettings = z.strictObject({
  length: length(16),
  initWords: initWords('').describe(
    "words the last context tokens begin with, those before them with zeros; empty: the hand-written text's words before the class name",
  ),
  template: z.string().default('').describe("the frozen model's text with {} for the class name; empty: the data set's own"),
  projectionWeight: z
    .number()
    .min(0)
    .default(1)
    .describe("share of the part against the frozen model that the gradient loses (the paper's lambda)"),
  temperature: z.number().min(0.01).max(1000).default(1).describe('logits are divided by it where predictions are compared'),
});

export type ProgradSettings = z.output<typeof progradSettings>;
type Alignment = Pick<ProgradSettings, 'projectionWeight' | 'temperature'>;

/** The squared norm of a gradient is at least this where it divides: a guide without gradient leaves the other as it is. */
const TINY = 1e-30;

/** `gradient` without `weight` times its part along `guide`, where the two conflict; of any one shape. Source: equation 5 of the paper. */
export function alignedGradient(gradient: Tensor, guide: Tensor, weight: number): Tensor {
  return scope(() => {
    const conflict = minimum(sum(mul(gradient, guide)), 0);
    const share = div(conflict, maximum(sum(mul(guide, guide)), TINY));
    return sub(gradient, mul(guide, mul(share, weight)));
  });
}

export class Prograd extends GuidedClip {
  readonly gradientRule: GradientRule;

  /** @param written the frozen model's texts; undefined: for other classes, on which it is not trained */
  constructor(
    context: MethodContext,
    learner: PromptLearner,
    template: PromptTemplate,
    private readonly alignment: Alignment,
    written: PromptTemplate | undefined,
  ) {
    super('prograd', context, learner, template, written && ((classes) => frozenTexts(classes, written)));
    const combine: GradientRule['combine'] = (ofLoss, { divergence }) =>
      alignedGradient(ofLoss, divergence as Tensor, alignment.projectionWeight);
    this.gradientRule = { guides: ['divergence'], combine };
  }

  /** Cross-entropy; its guide `divergence` is the cross-entropy with the frozen model's predictions, times the squared temperature. */
  override loss(images: Tensor, labels: Tensor): StepLoss {
    return scope(() => {
      const { temperature } = this.alignment;
      const outputs = this.forward(images);
      // The image tower has no prompts, so its features are the frozen model's.
      const teacher = noGrad(() => cosineLogits(outputs.imageFeatures, this.frozenTexts, this.context.scale / temperature));
      const student = logSoftmax(div(outputs.logits, temperature));
      const divergence = mul(mean(sum(mul(softmax(teacher), student), [-1])), -(temperature ** 2));
      const loss = crossEntropy(outputs.logits, labels);
      return { loss, outputs, terms: { crossEntropy: loss }, guides: { divergence } };
    });
  }

  override forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, Prograd);
    return new Prograd(this.contextFor(other), this.learner, this.template, this.alignment, undefined);
  }
}

/** Frozen features of one template [C, embed]. */
function frozenTexts(context: MethodContext, template: PromptTemplate): Tensor {
  using features = templateFeatures(context, [template]);
  return keep(plainMean(features));
}

/**
 * Zeros, then the embeddings of the words' first tokens, as many as there are words: one with a comma has two tokens, so that a last word may be left
 * over and stays in the text. Random numbers without words.
 */
function start(context: CreationContext, words: string, count: number): { readonly tokens: Tensor; readonly prefix: string } {
  const { text, tokenizer, device, random } = context;
  const { width } = text.config;
  const written = words.replaceAll('_', ' ').trim().split(/\s+/).filter(Boolean).slice(0, count);
  if (written.length === 0) return { tokens: randomPrompts([count, width], { device }, random), prefix: placeholders(count) };
  const ids = tokenizer.encode(written.join(' '), { specialTokens: false }).slice(0, written.length);
  const before = count - ids.length;
  const tokens = scope(() => cat([zeros([before, width], { device }), text.tokens.rows(Int32Array.from(ids))]));
  return { tokens: keep(tokens), prefix: `${placeholders(before)} ${written.join(' ')}`.trim() };
}

/** What stands before the class name in a template. */
function wordsBefore(template: string): string {
  return template.split('{}')[0] ?? '';
}

const TEMPLATES: Readonly<Record<string, string>> = {
  oxford_pets: 'a type of pet, a photo of a {}.',
  oxford_flowers: 'a type of flower, a photo of a {}.',
  fgvc_aircraft: 'a type of aircraft, a photo of a {}.',
  dtd: 'a texture of {}.',
  food101: 'a type of food, a photo of {}.',
};

const TRAINING = { lr: 0.002, batchSize: 32 } as const;
const SETTINGS = { length: 16, initWords: '', projectionWeight: 1, temperature: 1 } as const;

/** With the templates of the authors, which differ from CoOp's. */
function withTemplates(one: PublishedSettings): PublishedSettings[] {
  const others = Object.entries(TEMPLATES).map(([name, template]) => ({
    ...one,
    data: [name],
    settings: { ...one.settings, template },
  }));
  return [one, ...others];
}

const common = { settings: SETTINGS, source: 'ProGrad, repository BeierZhu/Prompt-align' } as const;
const fewShot = (shots: readonly number[], epochs: number): PublishedSettings[] =>
  withTemplates({ ...common, protocols: ['few-shot'], shots, training: { ...TRAINING, epochs } });

export const prograd = defineMethod<ProgradSettings>({
  name: 'prograd',
  title: 'ProGrad',
  summary: 'context tokens in the texts, whose gradient does not go against the frozen model',
  settings: progradSettings,
  training: trainingPreset({ ...TRAINING, epochs: 200 }),
  published: [
    ...fewShot([1], 50),
    ...fewShot([2, 4], 100),
    ...fewShot([8, 16], 200),
    {
      protocols: ['few-shot'],
      shots: [8, 16],
      data: ['oxford_flowers', 'dtd', 'eurosat'],
      settings: { projectionWeight: 0.8 },
      source: common.source,
    },
    ...withTemplates({ ...common, protocols: ['base-to-new'], shots: [4], training: { ...TRAINING, epochs: 100 } }),
  ],
  variants: {},
  create(context, { length: count, initWords: words, template: hand, ...alignment }) {
    const { tokenizer, template: ofDataSet } = context;
    const written = hand === '' ? undefined : hand;
    const { tokens, prefix } = start(context, words === '' ? wordsBefore(written ?? ofDataSet) : words, count);
    const spec = promptSpec('prograd', coopText(tokens.shape, 'end'));
    const learner = new LearntPrompts(spec, new Map([[CONTEXT, tokens]]));
    return new Prograd(context, learner, prefixTemplate(tokenizer, prefix), alignment, textTemplate(tokenizer, written));
  },
});
