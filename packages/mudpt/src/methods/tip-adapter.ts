/**
 * Tip-Adapter and Tip-Adapter-F (Zhang et al., ECCV 2022; github.com/gaopengcuhk/Tip-Adapter): zero-shot logits plus those of a cache of
 * training features. The second form learns the cache's keys. Hyper-parameters, and the epoch, are chosen on validation: the released code
 * chooses them on test.
 */
import { keep, l2Normalize, scope } from '@mudpt/tensor';
import { defineMethod } from '../method/definition.ts';
import { meanOfUnits, meanUnitSentenceFeatures, templateFeatures } from '../features/ensemble.ts';
import type { MethodContext } from '../method/method.ts';
import { type TextFeatures, TipAdapter } from '../features/tip-cache.ts';
import { tipFSettings, type TipFSettings, tipSettings, type TipSettings } from '../features/tip-settings.ts';
import type { PublishedSettings } from '../method/published.ts';
import { SELECTED_TEMPLATES } from '../prompts/texts/templates.ts';
import { textTemplate } from '../prompts/texts/prompt-template.ts';

/** alpha to begin with, and the upper ends of the search [beta, alpha], as published for each data set. */
const FACTORS: Readonly<Record<string, readonly [alpha: number, betaLimit: number, alphaLimit: number]>> = {
  imagenet: [1.17, 7, 3],
  oxford_pets: [1.17, 7, 3],
  ucf101: [3, 7, 3],
  caltech101: [3, 12, 5],
  dtd: [2, 13, 13],
  eurosat: [2, 12, 10],
  sun397: [1.17, 12, 10],
  food101: [1.17, 10, 10],
  stanford_cars: [3, 20, 10],
  fgvc_aircraft: [5, 30, 30],
  oxford_flowers: [10, 50, 50],
};

/** The factors, and on ImageNet the seven templates. @param learning what the form that learns adds, for all and by data set */
function published(learning: Readonly<Record<string, object>> = {}): PublishedSettings[] {
  return Object.entries(FACTORS).map(([name, [alpha, betaLimit, alphaLimit]]) => ({
    protocols: name === 'imagenet' ? ['few-shot', 'domain'] : ['few-shot'],
    data: [name],
    settings: {
      ...{ beta: 1, alpha, betaLimit, alphaLimit, betaSteps: 200, alphaSteps: 20, cachePasses: 10 },
      templates: name === 'imagenet' ? [...SELECTED_TEMPLATES] : [],
      ...learning['all'],
      ...learning[name],
    },
    source: `Tip-Adapter, configs of its repository (${name})`,
  }));
}

/** Unit text features of the classes' descriptions where there are any; else of the templates, or of the data set's own. */
function unitTexts(context: MethodContext, { templates }: TipSettings): TextFeatures {
  const texts = (templates.length > 0 ? templates : [undefined]).map((template) => textTemplate(context.tokenizer, template));
  return (classes) => {
    if (classes.descriptions) {
      using means = meanUnitSentenceFeatures({ ...context, ...classes }, classes.descriptions);
      return keep(scope(() => l2Normalize(means)));
    }
    using features = templateFeatures({ ...context, ...classes }, texts);
    return keep(meanOfUnits(features));
  };
}

export const tipAdapter = defineMethod<TipSettings>({
  name: 'tip-adapter',
  title: 'Tip-Adapter',
  summary: 'zero-shot logits and those of a cache of training features; nothing is trained',
  settings: tipSettings,
  training: undefined,
  readsDescriptions: () => true,
  published: published(),
  variants: {},
  create: (context, settings) => new TipAdapter('tip-adapter', context, unitTexts(context, settings), settings, undefined),
});

export const tipAdapterF = defineMethod<TipFSettings>({
  name: 'tip-adapter-f',
  title: 'Tip-Adapter-F',
  summary: 'Tip-Adapter whose cache keys are trained',
  settings: tipFSettings,
  training: undefined,
  readsDescriptions: () => true,
  published: published({
    all: { lr: 1e-3, epochs: 20, batchSize: 256, adamEps: 1e-4, weightDecay: 0.01 },
    eurosat: { epochs: 100 },
  }),
  variants: {},
  create: (context, settings) => new TipAdapter('tip-adapter-f', context, unitTexts(context, settings), settings, settings),
});
