/** Checks of a training step: captured, with less memory, on every text path, and continued from a checkpoint. */
import { noGrad } from '@mudpt/autograd';
import type { Recompute } from '@mudpt/clip';
import { capture, copyInto, mul, scope, sub, type Tensor } from '@mudpt/tensor';
import { describeRematerialization, type Rematerialization, KEEP_ALL, RECOMPUTE } from '../method/rematerialization.ts';
import { stepGradients } from '../method/gradients.ts';
import type { PromptMethod } from '../method/method.ts';
import { commonRuns } from './initial-values.ts';
import { expectNumbers, movedByGradients, secondViews, stepTensors, type Numbers, numbers, valuesOf } from './numbers.ts';
import { copyLearnt, disturb, type Subject, write } from './subject.ts';

export async function initialValues(subject: Subject): Promise<void> {
  const values = async () => {
    const method = await subject.prompts();
    const read = await valuesOf(method.learnable);
    subject.release(method);
    return read;
  };
  const once = await values();
  const [pair] = commonRuns(once, subject.options.copies);
  if (pair)
    throw subject.fail(
      `${pair.join(' and ')} begin with the same numbers`,
      'draw all initial values from context.random, in one order, and begin no other stream',
    );
  expectNumbers(subject.definition.name, 'initial values of one seed, twice', await values(), once, 0);
}

export async function capturedStep(subject: Subject): Promise<void> {
  const method = await subject.prompts();
  const { images, labels } = subject.batch();
  const read = async ({ loss, gradients }: ReturnType<typeof stepTensors>): Promise<Numbers> => {
    const found = new Map([['loss', await loss.data()]]);
    for (const [name, gradient] of Object.entries(gradients)) found.set(`grad ${name}`, await gradient.data());
    return found;
  };
  const eager = await scope(() => read(stepTensors(method, images, labels)));
  using step = capture(({ x, y }: { x: Tensor; y: Tensor }) => stepTensors(method, x, y), { device: subject.device });
  for (let replay = 0; replay < 2; replay += 1) {
    const found = await read(step({ x: images, y: labels }));
    expectNumbers(method.name, `captured against eager, replay ${replay + 1}`, found, eager, 0);
  }
}

const whole = (microBatches: number, { recompute = false }: { readonly recompute?: Recompute } = {}) => ({
  microBatches,
  recompute,
});
const REMATERIALIZATIONS: readonly Rematerialization[] = [
  RECOMPUTE,
  { text: whole(0, { recompute: 'selective' }), image: whole(0) },
  { text: whole(1), image: whole(1) },
  { text: whole(2), image: whole(3) },
  { text: whole(9, { recompute: true }), image: whole(9, { recompute: true }) },
];

export async function memoryPolicies(subject: Subject): Promise<void> {
  const method = await subject.prompts();
  await disturb(subject, method);
  const { images, labels } = subject.batch();
  const expected = await numbers(method, images, labels);
  const all = (found: Numbers): Numbers =>
    new Map([
      ...[...found].filter(([name]) => !name.startsWith('grad ')),
      // A gradient that is zero up to rounding is compared relative to all gradients.
      ['gradients', [...found].flatMap(([name, parameter]) => (name.startsWith('grad ') ? Array.from(parameter) : []))] as const,
    ]);
  const evaluated: Numbers = new Map([['logits', await method.evaluate(images).data()]]);
  // Every loss updates the running statistics.
  const statistics = await valuesOf(new Map([...method.learnable].filter(([name]) => method.spec.statistics?.includes(name))));
  const restore = (): void => statistics.forEach((values, name) => write(method.learnable.get(name) as Tensor, values));
  for (const rematerialization of REMATERIALIZATIONS) {
    method.rematerialize(rematerialization);
    const what = `with ${describeRematerialization(rematerialization)}`;
    expectNumbers(method.name, what, all(await numbers(method, images, labels)), all(expected), 1e-6);
    restore();
    expectNumbers(method.name, what, new Map([['logits', await method.evaluate(images).data()]]), evaluated, 1e-6);
  }
  method.rematerialize(KEEP_ALL);
  expectNumbers(method.name, 'with everything kept again', await numbers(method, images, labels), expected, 0);
}

export async function textPaths(subject: Subject): Promise<void> {
  const { images, labels } = subject.batch();
  const run = async (textPath: 'full' | 'auto' | 'plain'): Promise<Numbers> => {
    const method = await subject.prompts({ textPath });
    await disturb(subject, method);
    const found = await numbers(method, images, labels);
    subject.release(method);
    return found;
  };
  const full = await run('full');
  for (const path of ['auto', 'plain'] as const)
    expectNumbers(subject.definition.name, `text path ${path} against full`, await run(path), full, 1e-5);
}

/** Two epochs of one step each, the second one on a new instance that takes over the state of the first. */
export async function checkpoints(subject: Subject): Promise<void> {
  const { images, labels } = subject.batch();
  const everything = ({ learnable, state }: PromptMethod) => new Map([...learnable, ...state]);
  const epoch = (method: PromptMethod, index: number): void => {
    noGrad(() => scope(() => step(method, images, labels)));
    method.endEpoch?.(index, 2);
  };
  const [first, second] = [await subject.prompts(), await subject.prompts({ seed: 4 })];
  epoch(first, 0);
  copyLearnt(subject, everything(first), everything(second));
  const [here, there] = [await numbers(first, images, labels), await numbers(second, images, labels)];
  expectNumbers(first.name, 'continued from a checkpoint', there, here, 0);
  for (const method of [first, second]) epoch(method, 1);
  const [expected, found] = [await valuesOf(everything(first)), await valuesOf(everything(second))];
  expectNumbers(first.name, 'an epoch after a checkpoint', found, expected, 0);
}

function step(method: PromptMethod, images: Tensor, labels: Tensor): void {
  const { gradients } = stepGradients(method, images, labels, secondViews(method, images));
  for (const parameter of movedByGradients(method).values())
    if (parameter.size > 0) copyInto(parameter, sub(parameter, mul(gradients.of(parameter), 0.01)));
}
