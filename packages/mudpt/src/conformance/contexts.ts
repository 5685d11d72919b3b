/** Checks of `forContext` for both kinds of methods: equal to a method created for the new classes and template, or refused. */
import type { Tensor } from '@mudpt/tensor';
import type { ClassContext } from '../method/class-context.ts';
import { MethodError } from '../method/errors.ts';
import type { FeatureMethod, PromptMethod } from '../method/method.ts';
import { fitted } from './features.ts';
import { expectNumbers, type Numbers, numbers, secondViews } from './numbers.ts';
import { CLASSES, copyLearnt, disturb, OTHER_CLASSES, type Subject } from './subject.ts';

/** The order of sums may differ, nothing else. */
const TOLERANCE = 1e-6;
/** The same classes with other spellings of their names, for methods that are specific to their classes. */
const OTHER_TEMPLATE: ClassContext = { ...CLASSES, template: OTHER_CLASSES.template };

function outcome<T>(action: () => T): { readonly value: T } | undefined {
  try {
    return { value: action() };
  } catch (error) {
    if (error instanceof MethodError) return undefined;
    throw error;
  }
}

/** The method for other classes where it allows that, else for its classes and another template. */
function elsewhere<M extends PromptMethod | FeatureMethod>(
  subject: Subject,
  method: {
    forContext(other: ClassContext): M;
  },
): { readonly made: M; readonly other: ClassContext } {
  const there = outcome(() => method.forContext(OTHER_CLASSES));
  const made = subject.adopt(there ? there.value : method.forContext(OTHER_TEMPLATE));
  return { made, other: there ? OTHER_CLASSES : OTHER_TEMPLATE };
}

export async function otherClassesOfPrompts(subject: Subject): Promise<void> {
  const method = await subject.prompts();
  await disturb(subject, method);
  const { images, labels } = subject.batch();
  const before = await logits(method, images);
  const { made, other } = elsewhere<PromptMethod>(subject, method);
  // A method may judge classes that it has not learnt in another way.
  const fresh = await subject.prompts({ ...other, learntOn: CLASSES.classNames });
  copyLearnt(subject, method.learnable, fresh.learnable);
  expectClasses(subject, made.classNames, other);
  for (const [name, parameter] of method.learnable)
    if (made.learnable.get(name) !== parameter)
      throw subject.fail(`forContext gives another tensor ${name}`, 'share what is learnt, so that it may learn on');
  const what = 'forContext against a method made for these classes';
  expectNumbers(method.name, what, await logits(made, images), await logits(fresh, images), TOLERANCE);
  const lossThere = outcome(() => made.loss(images, labels, secondViews(made, images)));
  if (lossThere)
    expectNumbers(method.name, what, await numbers(made, images, labels), await numbers(fresh, images, labels), TOLERANCE);
  subject.release(made);
  if ([...method.learnable.values()].some((parameter) => parameter.isDisposed))
    throw subject.fail('disposing what forContext gave disposes what is learnt', 'leave it to the method that made it');
  expectNumbers(method.name, 'after forContext', await logits(method, images), before, 0);
}

/** Evaluates with text features computed beforehand, and without. */
export async function evaluationOfPrompts(subject: Subject): Promise<void> {
  const method = await subject.prompts();
  await disturb(subject, method);
  const { images } = subject.batch();
  const { logits: found, imageFeatures } = method.forward(images);
  const expected: Numbers = new Map([['logits', await found.data()]]);
  expectNumbers(method.name, 'evaluate() against forward()', await logits(method, images), expected, TOLERANCE);
  const once: Numbers = new Map([['logits', await method.evaluate(images, method.textFeatures()).data()]]);
  expectNumbers(method.name, 'evaluate() with textFeatures() against forward()', once, expected, TOLERANCE);
  if (!method.evaluateWithFeatures) return;
  const both = method.evaluateWithFeatures(images, method.textFeatures());
  const told: Numbers = new Map([['logits', await both.logits.data()]]);
  expectNumbers(method.name, 'evaluateWithFeatures() against evaluate() with textFeatures()', told, once, 0);
  const features: Numbers = new Map([['imageFeatures', await both.imageFeatures.data()]]);
  const wanted: Numbers = new Map([['imageFeatures', await imageFeatures.data()]]);
  expectNumbers(method.name, 'evaluateWithFeatures() against forward()', features, wanted, TOLERANCE);
}

async function logits(method: PromptMethod, images: Tensor): Promise<Numbers> {
  return new Map([['logits', await method.evaluate(images).data()]]);
}

export async function otherClassesOfFeatures(subject: Subject): Promise<void> {
  const method = await fitted(subject);
  const rows = subject.random([5, subject.clip.config.embed], 8);
  const predict = async (fit: FeatureMethod): Promise<Numbers> => new Map([['logits', await fit.evaluate(rows).data()]]);
  const before = await predict(method);
  const { made, other } = elsewhere<FeatureMethod>(subject, method);
  const fresh = await subject.features(other);
  await fresh.restore(method.learnable);
  expectClasses(subject, made.classNames, other);
  const what = 'forContext against a method made for these classes';
  expectNumbers(method.name, what, await predict(made), await predict(fresh), TOLERANCE);
  subject.release(made);
  expectNumbers(method.name, 'after forContext', await predict(method), before, 0);
}

function expectClasses(subject: Subject, found: readonly string[], { classNames }: ClassContext): void {
  if (found.join() === classNames.join()) return;
  throw subject.fail(
    `forContext(${classNames.join(', ')}) has the classes ${found.join(', ')}`,
    'give classNames of its context',
  );
}
