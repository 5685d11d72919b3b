/** ProLIP: full-batch steps of Adam on the projection, one view of the training images a step. */
import { ensemble } from '@mudpt/clip';
import { narrow, reshape, stack, type Tensor, transpose } from '@mudpt/tensor';
import { featuresBeforeProjection, optimizerOf, scheduleOf, trainingPreset } from 'mudpt';
import type { HostTensor } from '../golden.ts';
import { Unsupported } from '../options.ts';
import type { MethodCase, MethodRunner } from './case.ts';
import { createMethod, evaluated, read, type Results, Training } from './prompts.ts';
import { newClasses, TEMPLATE_NAME } from './tokenizer.ts';

/** The trainer's settings, as the metadata has them. */
function settingsOf(golden: MethodCase, steps: number) {
  const [optimizer, scheduler] = [golden.metadata['optimizer'], golden.metadata['scheduler'] ?? ''];
  if (optimizer !== 'Adam' || !scheduler.startsWith(`CosineAnnealingLR(T_max=${steps})`))
    throw new Unsupported(`optimizer ${optimizer} with ${scheduler}`);
  return trainingPreset({}).parse({
    optimizer: 'adam',
    lr: golden.number('lr'),
    adamEps: golden.number('eps'),
    adamBetas: JSON.parse(golden.metadata['betas'] ?? '[]') as [number, number],
    weightDecay: golden.number('weight_decay'),
    schedule: 'cosine-per-step',
    warmupEpochs: 0,
    epochs: steps,
  });
}

export const prolip: MethodRunner = async (golden) => {
  const { clip } = golden;
  const { image } = clip;
  if (!image) throw new Unsupported('the weights have no image tower');
  const results: Results = new Map();
  const [templates = 0, classes = 0] = golden.host('input.template_token_ids').shape;
  const [views = 0, count = 0, ...size] = golden.host('input.train_images').shape;
  const shown = golden.tensor('input.train_images');
  const view = (index: number): Tensor => reshape(narrow(shown, 0, index, 1), [count, ...size]);
  const [labels, test] = [golden.tensor('input.train_label'), golden.tensor('input.test_images')];
  const penalty = golden.number('reg_lambda');
  const method = await createMethod(golden, 'prolip', {
    penalty,
    templates: Array.from({ length: templates }, (_, index) => `${TEMPLATE_NAME} ${index} {}.`),
  });
  const before = (images: Tensor): Tensor => featuresBeforeProjection(image, images);
  results.set('expect.train_features_before_proj', stack(Array.from({ length: views }, (_, index) => before(view(index)))));
  results.set('expect.test_features_before_proj', before(test));
  const texts = await clip.encodeText(golden.tokens('input.template_token_ids'));
  results.set('expect.text_weights', transpose(ensemble(reshape(texts, [templates, classes, clip.config.embed])), 0, 1));

  const steps = golden.number('steps');
  const settings = settingsOf(golden, steps);
  const schedule = scheduleOf(settings);
  const rates = Array.from({ length: steps }, (_, epoch) => schedule({ epoch, step: 0, steps: 1 }));
  const training = new Training(golden, method, optimizerOf([...method.learnable.values()], settings));
  const found: Record<'losses' | 'losses_ce' | 'losses_reg', number[]> = { losses: [], losses_ce: [], losses_reg: [] };
  const order: number[] = [];
  try {
    for (const [step, rate] of rates.entries()) {
      order.push((step + 1) % views);
      const { loss, outputs, terms, gradients } = training.step(view((step + 1) % views), labels, rate);
      found.losses.push(await loss.item());
      found.losses_ce.push(await (terms['crossEntropy'] as Tensor).item());
      found.losses_reg.push((await (terms['distance'] as Tensor).item()) / penalty);
      if (step > 0) continue;
      results.set('expect.loss', await read(loss));
      results.set('expect.logits', await read(outputs.logits));
      for (const [name, gradient] of Object.entries(gradients)) results.set(`grad.${name}`, await read(gradient));
    }
    const list = (values: readonly number[]): HostTensor => ({ shape: [values.length], values: Float32Array.from(values) });
    for (const [name, values] of Object.entries(found)) results.set(`expect.${name}`, list(values));
    results.set('expect.lr', list(rates));
    results.set('expect.view_of_step', { shape: [steps], values: Int32Array.from(order) });
    for (const [name, learnt] of method.learnable) results.set(`final.${name}`, await read(learnt));
    results.set('expect.final_test_logits', await read(evaluated(method, test)));
    const other = method.forContext({ classNames: newClasses(golden), template: 'fixed {}.' });
    results.set('expect.new_test_logits', await read(evaluated(other, test)));
    other.dispose();
    return results;
  } finally {
    training.dispose();
  }
};
