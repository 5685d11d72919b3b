/** Frozen text features of classes under one or several templates. */
import { noGrad } from '@mudpt/autograd';
import { cat, keep, l2Normalize, mean, reshape, scope, select, type Tensor } from '@mudpt/tensor';
import type { MethodContext } from '../method/method.ts';
import { TextPrompts } from '../prompts/text-prompts.ts';
import { expectFits, untilEnd, type Writer } from '../prompts/tokens.ts';

/**
 * Features [templates, C, embed], not normalised, computed once. Templates run one after the other, so that many of them need no more
 * memory than one.
 */
export function templateFeatures(
  context: Pick<MethodContext, 'device' | 'text' | 'classNames' | 'template' | 'textPath'>,
  writers: readonly Writer[],
): Tensor {
  const { device, text, classNames, textPath = 'auto' } = context;
  const features = noGrad(() =>
    scope(() => {
      const each = writers.map((write) => {
        const slots = write(context).map(({ ids }) => untilEnd(ids));
        expectFits(slots, text.config.context, classNames);
        const texts = new TextPrompts(text, slots, 0, { device, path: textPath, replaced: 0 });
        const own = texts.forward(undefined);
        texts.dispose();
        return reshape(own, [1, ...own.shape]);
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
