/** Frozen text features of classes under one or several templates. */
import { noGrad } from '@mudpt/autograd';
import { cat, keep, l2Normalize, mean, reshape, scope, select, type Tensor } from '@mudpt/tensor';
import type { MethodContext } from '../method/method.ts';
import { expectFits, untilEnd } from '../prompts/texts/prompt-ids.ts';
import type { PromptTemplate } from '../prompts/texts/prompt-template.ts';
import { TextPrompts } from '../prompts/texts/text-prompts.ts';

/**
 * Features [templates, C, embed], not normalised, computed once. Templates run one after the other, so that many of them need no more
 * memory than one.
 */
export function templateFeatures(
  context: Pick<MethodContext, 'device' | 'text' | 'classNames' | 'template' | 'textPath'>,
  templates: readonly PromptTemplate[],
): Tensor {
  const { device, text, classNames, textPath = 'auto' } = context;
  const features = noGrad(() =>
    scope(() => {
      const each = templates.map((template) => {
        const ids = template(context).map((tokens) => untilEnd(tokens.ids));
        expectFits(ids, text.config.context, classNames);
        const texts = new TextPrompts(text, ids, undefined, { device, path: textPath });
        const ofTemplate = texts.forward(undefined);
        texts.dispose();
        return reshape(ofTemplate, [1, ...ofTemplate.shape]);
      });
      return cat(each);
    }),
  );
  return keep(features);
}

/** Each template's feature normalised, their mean normalised again: [templates, C, embed] to unit vectors [C, embed]. */
export function meanOfUnits(features: Tensor): Tensor {
  return scope(() => {
    const units = l2Normalize(features);
    // A single one is its own mean.
    return l2Normalize(features.shape[0] === 1 ? select(units, 0, 0) : mean(units, [0]));
  });
}

/** The mean of the features as they are (PromptSRC): [templates, C, embed] to [C, embed], not normalised. */
export function plainMean(features: Tensor): Tensor {
  return mean(features, [0]);
}
