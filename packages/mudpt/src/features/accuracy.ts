/** Accuracy of logits, for choosing hyper-parameters on validation. */
import { MethodError } from '../method/errors.ts';
import type { FeatureSet } from '../method/method.ts';

/** Percent of rows [N, C] whose first largest value is at the label. */
export function accuracyOf(logits: ArrayLike<number>, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  let correct = 0;
  for (const [row, label] of labels.entries()) {
    const first = row * classes;
    let best = first;
    for (let at = first + 1; at < first + classes; at += 1) if ((logits[at] as number) > (logits[best] as number)) best = at;
    if (best - first === label) correct += 1;
  }
  return (100 * correct) / labels.length;
}

/** @throws MethodError when features and labels do not go together, there are none, or a label has no class */
export function expectSet(method: string, name: string, { features, labels }: FeatureSet, classes: number): void {
  const [rows = 0] = features.shape;
  const odd = labels.find((label) => !(label >= 0 && label < classes));
  if (features.rank === 2 && rows === labels.length && rows > 0 && odd === undefined) return;
  throw new MethodError(
    method,
    `${name}: features of shape [${features.shape.join(', ')}], ${labels.length} labels${odd === undefined ? '' : `, label ${odd} among ${classes} classes`}`,
    'give one row of features for each label, and at least one',
  );
}
