/** Zero-shot classification: texts of class names, their ensemble, and predictions. Source: OpenAI's CLIP, Prompt_Engineering_for_ImageNet. */
import { l2Normalize, mean, narrow, scope, ShapeError, stack, type Tensor, TensorError } from '@mudpt/tensor';

/** Where a template takes the class name. */
const PLACE = '{}';

/** What {@link Clip.zeroShot} writes around a class name unless told otherwise. */
export const DEFAULT_TEMPLATES: readonly string[] = ['a photo of a {}.'];

/** How well a label fits an image. */
export type Prediction = {
  readonly label: string;
  /** Place of the label in the list given: labels may occur twice. */
  readonly index: number;
  /** Scaled cosine similarity, with the model's bias. */
  readonly logit: number;
  /** Softmax over all labels; or the sigmoid of this label's logit alone, of models trained with the sigmoid loss. */
  readonly probability: number;
};

/** All labels in the first template, then all in the second, ... @throws TensorError for empty lists and templates without `{}` */
export function fillTemplates(labels: readonly string[], templates: readonly string[]): string[] {
  if (labels.length === 0) throw new TensorError('zeroShot', 'there are no labels', 'give at least one class name');
  if (templates.length === 0)
    throw new TensorError('zeroShot', 'there are no templates', `give at least one, with ${PLACE} in it`);
  const without = templates.find((template) => !template.includes(PLACE));
  if (without !== undefined) {
    throw new TensorError(
      'zeroShot',
      `the template ${JSON.stringify(without)} has no place for a class name`,
      `write ${PLACE} where the name goes`,
    );
  }
  return templates.flatMap((template) => labels.map((label) => template.replaceAll(PLACE, () => label)));
}

/**
 * One unit vector per class from the features of several templates: each is normalised, then their mean is.
 * @param features [templates, classes, embed]
 * @returns [classes, embed]
 */
export function ensemble(features: Tensor): Tensor {
  if (features.rank !== 3 || features.size === 0)
    throw new ShapeError('ensemble', `features have shape [${features.shape.join(', ')}]`, 'give [templates, classes, embed]');
  return scope(() => l2Normalize(mean(l2Normalize(features, -1), 0), -1));
}

/**
 * The mean of each class's rows.
 * @param features [rows, embed], those of the first class first
 * @param counts rows of each class
 * @returns [classes, embed], not normalised
 */
export function meanOfRows(features: Tensor, counts: readonly number[]): Tensor {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (features.rank !== 2 || features.shape[0] !== total || counts.length === 0 || counts.includes(0))
    throw new ShapeError(
      'meanOfRows',
      `features have shape [${features.shape.join(', ')}], and the classes [${counts.slice(0, 8).join(', ')}] rows`,
      'give [rows, embed] with a row at least for every class',
    );
  return scope(() => {
    let from = 0;
    return stack(
      counts.map((count) => {
        const rows = narrow(features, 0, from, count);
        from += count;
        return mean(rows, 0);
      }),
    );
  });
}

/** The labels of one row of logits, best first. */
export function rank(
  logits: ArrayLike<number>,
  labels: readonly string[],
  top: number,
  likelihood: 'softmax' | 'sigmoid' = 'softmax',
): Prediction[] {
  const values = labels.map((_, index) => logits[index]!);
  const probabilities = likelihood === 'softmax' ? softmax(values) : values.map((logit) => 1 / (1 + Math.exp(-logit)));
  return labels
    .map((label, index) => ({ label, index, logit: values[index]!, probability: probabilities[index]! }))
    .sort((a, b) => b.logit - a.logit || a.index - b.index)
    .slice(0, top);
}

function softmax(logits: readonly number[]): number[] {
  const largest = logits.reduce((most, logit) => Math.max(most, logit), -Infinity);
  const weights = logits.map((logit) => Math.exp(logit - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
