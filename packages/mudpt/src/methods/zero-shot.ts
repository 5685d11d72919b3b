/**
 * Zero-shot classification, the baseline of all methods: cosines of images with texts of one template, or with the mean over
 * several, as CLIP's authors do.
 */
import { keep, l2Normalize, scope, type Tensor } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { z } from 'zod';
import { fillTemplate } from '../data/class-names.ts';
import { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import { meanOfUnits, meanUnitSentenceFeatures, templateFeatures } from '../features/ensemble.ts';
import { MethodError } from '../method/errors.ts';
import type { FeatureMethod, FitReport, MethodContext } from '../method/method.ts';
import { cosineLogits } from '../prompts/cosine.ts';
import { PROTOCOLS } from '../method/published.ts';
import { idleWhere, settingMetadata } from '../settings/metadata.ts';
import { SELECTED_TEMPLATES } from '../prompts/texts/templates.ts';
import { textTemplate } from '../prompts/texts/prompt-template.ts';

export const zeroShotSettings = z.strictObject({
  templates: z
    .array(z.string())
    .default([])
    .describe("texts with {} for the class name, averaged; empty: the data set's own template"),
  selected: z
    .boolean()
    .default(false)
    .describe("average the 7 templates CLIP's authors selected for ImageNet, those in `templates`, and the data set's own"),
  withOwn: z
    .boolean()
    .default(true)
    .describe("whether `selected` takes the data set's own template (CoOp leaves it out for ImageNet)")
    .register(settingMetadata, { idle: ({ selected }) => idleWhere(selected !== true, 'selected is false') }),
});

export type ZeroShotSettings = z.output<typeof zeroShotSettings>;

/** The templates of the settings, each once; without any of them the data set's. */
export function templatesOf({ templates, selected, withOwn }: ZeroShotSettings, ofDataSet: string): readonly string[] {
  const all = new Set([...(selected ? SELECTED_TEMPLATES : []), ...templates, ...(selected && withOwn ? [ofDataSet] : [])]);
  return all.size > 0 ? [...all] : [ofDataSet];
}

/** Class features [C, embed]: of sentences where there are any, and of the templates that were asked for beside them; else of templates. */
function featuresOf(
  context: Pick<MethodContext, 'device' | 'text' | 'tokenizer' | 'textPath' | keyof ClassContext>,
  settings: ZeroShotSettings,
): Tensor {
  const { descriptions, classNames, template: ofDataSet } = context;
  const isAsked = settings.selected || settings.templates.length > 0;
  if (!descriptions) {
    const templates = templatesOf(settings, ofDataSet).map((template) => textTemplate(context.tokenizer, template));
    using features = templateFeatures(context, templates);
    return keep(meanOfUnits(features));
  }
  const templates = isAsked ? templatesOf(settings, ofDataSet) : [];
  const texts = classNames.map((name, label) => [
    ...nth(descriptions, label),
    ...templates.map((template) => fillTemplate(template, name)),
  ]);
  using means = meanUnitSentenceFeatures(context, texts);
  return keep(scope(() => l2Normalize(means)));
}

export class ZeroShot implements FeatureMethod {
  readonly kind = 'features';
  readonly name = 'zero-shot';
  readonly learnable: ReadonlyMap<string, Tensor> = new Map();
  readonly state: ReadonlyMap<string, Tensor> = new Map();
  readonly augmentedPasses = 0;
  readonly cropScale = [1, 1] as const;
  /** [C, embed]; unit vectors when several templates were averaged. */
  readonly classFeatures: Tensor;

  /** @param classFeatures what another zero-shot of the same classes and templates computed, which is taken over */
  constructor(
    private readonly context: Pick<MethodContext, 'device' | 'text' | 'tokenizer' | 'scale' | 'textPath' | keyof ClassContext>,
    private readonly settings: ZeroShotSettings,
    classFeatures?: Tensor,
  ) {
    if (context.classNames.length === 0)
      throw new MethodError('zero-shot', 'there are no classes', 'give at least one class name');
    this.classFeatures = classFeatures ?? featuresOf(context, settings);
  }

  get classNames(): readonly string[] {
    return this.context.classNames;
  }

  /** Nothing is learnt. */
  fit(): Promise<FitReport> {
    return Promise.resolve({ chosen: {}, valAccuracy: undefined, remarks: [] });
  }

  /** Nothing was. */
  restore(): Promise<void> {
    return Promise.resolve();
  }

  evaluate(features: Tensor): Tensor {
    return cosineLogits(features, this.classFeatures, this.context.scale);
  }

  forContext({ classNames, template, descriptions }: ClassContext): ZeroShot {
    expectNoSubclass(this, ZeroShot);
    return new ZeroShot({ ...this.context, classNames, template, descriptions }, this.settings);
  }

  dispose(): void {
    this.classFeatures.dispose();
  }
}

export const zeroShot = defineMethod<ZeroShotSettings>({
  name: 'zero-shot',
  title: 'Zero-shot CLIP',
  summary: 'nothing is learnt',
  settings: zeroShotSettings,
  training: undefined,
  readsDescriptions: () => true,
  published: [{ protocols: PROTOCOLS, settings: { templates: [], selected: false }, source: 'CoOp, trainers/zsclip.py' }],
  variants: {
    ensemble: { settings: { selected: true } },
    'ensemble-imagenet': { settings: { selected: true, withOwn: false } },
  },
  create: (context, settings) => new ZeroShot(context, settings),
});
