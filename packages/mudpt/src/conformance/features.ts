/** Checks of methods that are fitted to features. */
import { alias, capture, type Tensor } from '@mudpt/tensor';
import type { FeatureMethod, FeatureSet } from '../method/method.ts';
import { expectNumbers, type Numbers, valuesOf } from './numbers.ts';
import { CLASSES, type Subject } from './subject.ts';

/** Random features, as many for each class. */
function setOf(subject: Subject, perClass: number, seed: number): FeatureSet {
  const classes = CLASSES.classNames.length;
  const labels = Int32Array.from({ length: perClass * classes }, (_, row) => row % classes);
  return { features: subject.random([labels.length, subject.clip.config.embed], seed), labels };
}

/** A method that is fitted to random features, always the same. */
export async function fitted(subject: Subject): Promise<FeatureMethod> {
  const method = await subject.features();
  const augmented = Array.from({ length: method.augmentedPasses }, (_, pass) => setOf(subject, 3, 20 + pass));
  await method.fit({ train: setOf(subject, 3, 1), val: setOf(subject, 2, 2), augmented });
  return method;
}

async function predictions(method: FeatureMethod, rows: Tensor): Promise<Numbers> {
  return new Map([['logits', await method.evaluate(rows).data()]]);
}

export async function repeatedFits(subject: Subject): Promise<void> {
  const [one, other] = [await fitted(subject), await fitted(subject)];
  expectNumbers(one.name, 'two fits to the same features', await valuesOf(other.learnable), await valuesOf(one.learnable), 0);
}

export async function restored(subject: Subject): Promise<void> {
  const method = await fitted(subject);
  const rows = subject.random([5, subject.clip.config.embed], 8);
  const expected = await predictions(method, rows);
  const other = await subject.features({ seed: 4 });
  const handles = new Map([...method.learnable].map(([name, learnt]) => [name, alias(learnt)]));
  await other.restore(handles);
  for (const handle of handles.values()) handle.dispose();
  subject.release(method);
  expectNumbers(other.name, 'restored, and what it came from disposed', await predictions(other, rows), expected, 0);
}

export async function capturedEvaluation(subject: Subject): Promise<void> {
  const method = await fitted(subject);
  const rows = subject.random([5, subject.clip.config.embed], 8);
  const expected = await predictions(method, rows);
  using run = capture<'rows', Tensor>((input) => method.evaluate(input.rows), { device: subject.device });
  for (let replay = 0; replay < 2; replay += 1) {
    const found: Numbers = new Map([['logits', await run({ rows }).data()]]);
    expectNumbers(method.name, 'captured against eager', found, expected, 0);
  }
}
