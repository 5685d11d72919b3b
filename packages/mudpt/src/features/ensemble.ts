/** Frozen text features of classes under one or several templates. */
import { noGrad } from '@mudpt/autograd';
import { meanOfRows } from '@mudpt/clip';
import { nth } from '@mudpt/tensor/internal';
import { MethodError } from '../method/errors.ts';
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
        const ids = template(context).map((tokens) => untilEnd(tokens.ids, text));
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

/** Sentences whose texts are laid out at once. */
const SENTENCES_AT_ONCE = 1024;

/**
 * The mean over each class's sentences [C, embed], not normalised, computed once, as PromptSRC takes it.
 * @param sentences by label, one at least
 * @throws MethodError for a sentence that the text tower cannot hold
 */
export function meanSentenceFeatures(context: SentenceContext, sentences: Sentences): Tensor {
  return ofSentences(context, sentences, meanOfRows);
}

/** The same of sentences whose features are normalised before the mean, as CuPL takes them. */
export function meanUnitSentenceFeatures(context: SentenceContext, sentences: Sentences): Tensor {
  return ofSentences(context, sentences, (features, counts) => meanOfRows(l2Normalize(features), counts));
}

/**
 * Unit features of every sentence [all sentences, embed], those of the first class first, computed once.
 * @param sentences by label, one at least
 * @throws MethodError for a sentence that the text tower cannot hold
 */
export function unitSentenceFeatures(context: SentenceContext, sentences: Sentences): Tensor {
  return ofSentences(context, sentences, (features) => l2Normalize(features));
}

type SentenceContext = Pick<MethodContext, 'device' | 'text' | 'tokenizer' | 'classNames' | 'textPath'>;
type Sentences = readonly (readonly string[])[];

/** Rows that `rowsOf` makes of the features of some classes' sentences and of their numbers, for all classes. */
function ofSentences(
  { device, text, tokenizer, classNames, textPath = 'auto' }: SentenceContext,
  sentences: Sentences,
  rowsOf: (features: Tensor, counts: readonly number[]) => Tensor,
): Tensor {
  const partOf = (some: readonly (readonly string[])[], from: number): Tensor => {
    const ids = some.flatMap((ofClass, index) =>
      ofClass.map((sentence) => {
        const tokens = untilEnd(tokenizer.encode(sentence), text);
        if (tokens.length <= text.config.context) return tokens;
        throw new MethodError(
          'descriptions',
          `a sentence of ${classNames[from + index]} has ${tokens.length} tokens, the text tower holds ${text.config.context}: "${sentence.slice(0, 60)}..."`,
          'shorten it',
        );
      }),
    );
    const texts = new TextPrompts(text, ids, undefined, { device, path: textPath });
    try {
      return rowsOf(
        texts.forward(undefined),
        some.map(({ length }) => length),
      );
    } finally {
      texts.dispose();
    }
  };
  return keep(
    noGrad(() =>
      scope(() => {
        const parts: Tensor[] = [];
        for (let from = 0; from < sentences.length; ) {
          let [to, count] = [from + 1, nth(sentences, from).length];
          while (to < sentences.length && count + nth(sentences, to).length <= SENTENCES_AT_ONCE)
            count += nth(sentences, to++).length;
          const [some, first] = [sentences.slice(from, to), from];
          parts.push(scope(() => partOf(some, first)));
          from = to;
        }
        return cat(parts);
      }),
    ),
  );
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
