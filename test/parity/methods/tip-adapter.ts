/** Tip-Adapter: the cache, its search on the golden's test features (as the released code does it), and training of its keys. */
import { AdamW, cosine, perStep, SGD, lossAndGradients } from '@mudpt/autograd';
import { ensemble } from '@mudpt/clip';
import { copyInto, crossEntropy, l2Normalize, narrow, reshape, type Tensor, tensor, transpose } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { type FeatureMethod, type FeatureSet, methodNamed } from 'mudpt';
import type { HostTensor } from '../golden.ts';
import { Unsupported } from '../options.ts';
import type { MethodCase, MethodRunner } from './case.ts';
import { contextOf, read, type Results } from './prompts.ts';
import { TEMPLATE_NAME } from './tokenizer.ts';

/** "beta in [i*(20-.1)/10+.1 for i<10] (outer), alpha in [i*(50-.1)/8+.1 for i<8] (inner), ..." */
function searchOf(golden: MethodCase) {
  const ranges = [
    ...(golden.metadata['search'] ?? '').matchAll(/(beta|alpha) in \[i\*\(([\d.]+)-\.1\)\/(\d+)\+\.1 for i<(\d+)\]/g),
  ];
  const range = (name: string): readonly [limit: number, steps: number] => {
    const found = ranges.find((match) => match[1] === name);
    if (!found || found[3] !== found[4]) throw new Unsupported(`the metadata's search names no range of ${name}`);
    return [Number(found[2]), Number(found[3])];
  };
  const [[betaLimit, betaSteps], [alphaLimit, alphaSteps]] = [range('beta'), range('alpha')];
  return { betaLimit, betaSteps, alphaLimit, alphaSteps };
}

/** AdamW's options and the length of the schedule. */
function trainingOf({ metadata }: MethodCase, lrs: HostTensor) {
  if (metadata['optimizer'] !== 'AdamW' || metadata['betas'] !== '[0.9, 0.999]')
    throw new Unsupported(`optimizer ${metadata['optimizer']} with betas ${metadata['betas']}`);
  const number = (name: string): number => Number(metadata[name] ?? Number.NaN);
  return { lr: number('lr'), adamEps: number('eps'), weightDecay: number('weight_decay'), epochs: nth(lrs.shape, 0) };
}

export const tipAdapter: MethodRunner = async (golden) => {
  const { clip } = golden;
  const results: Results = new Map();
  const [templates = 0, classes = 0] = golden.host('input.template_token_ids').shape;
  const [passes = 0, count = 0, ...image] = golden.host('input.train_images').shape;
  const shown = await clip.encodeImage(reshape(golden.tensor('input.train_images'), [passes * count, ...image]));
  const labels = Int32Array.from(golden.host('input.train_label').values);
  const augmented = Array.from(
    { length: passes },
    (_, pass): FeatureSet => ({ features: narrow(shown, 0, pass * count, count), labels }),
  );
  const [first] = augmented;
  if (!first) throw new Unsupported('there are no training images');
  const test: FeatureSet = {
    features: await clip.encodeImage(golden.tensor('input.test_images')),
    labels: Int32Array.from(golden.host('input.test_label').values),
  };
  const base = {
    alpha: golden.number('alpha'),
    beta: golden.number('beta'),
    scale: golden.number('clip_scale'),
    cachePasses: golden.number('augment_epochs'),
    templates: Array.from({ length: templates }, (_, index) => `${TEMPLATE_NAME} ${index} {}.`),
    ...searchOf(golden),
  };
  const context = await contextOf(golden, classes);
  const create = (name: string, settings: Record<string, unknown>): FeatureMethod => {
    const method = methodNamed(name).create(context, { ...base, ...settings });
    if (method.kind !== 'features') throw new Unsupported(`${name} is not fitted to features`);
    return method;
  };

  const zero = create('tip-adapter', { alpha: 0 });
  await zero.fit({ train: first, val: undefined, augmented });
  results.set('expect.clip_logits', zero.evaluate(test.features));
  zero.dispose();

  const plain = create('tip-adapter', {});
  await plain.fit({ train: first, val: undefined, augmented });
  const keys = plain.learnable.get('adapter.weight') as Tensor;
  results.set('init.adapter.weight', await read(keys));
  results.set('expect.cache_values', await read(plain.learnable.get('cache_values') as Tensor));
  results.set('expect.tip_logits', plain.evaluate(test.features));
  const { chosen } = await plain.fit({ train: first, val: test, augmented });
  results.set('expect.searched_beta_alpha', { shape: [2], values: Float32Array.of(chosen['beta']!, chosen['alpha']!) });
  results.set('expect.searched_tip_logits', plain.evaluate(test.features));
  plain.dispose();

  results.set('expect.test_features', l2Normalize(test.features));
  results.set('expect.train_features', l2Normalize(first.features));
  results.set('expect.text_weights', transpose(await textWeights(golden, templates, classes), 0, 1));
  const training = trainingOf(golden, golden.host('expect.adapter_lr'));
  const { epochs } = training;
  await steps(create('tip-adapter-f', { epochs: 0 }), { first, augmented, training }, results);
  const learnt = create('tip-adapter-f', { ...training, batchSize: count });
  await learnt.fit({ train: first, val: undefined, augmented: [...augmented, ...Array.from({ length: epochs }, () => first)] });
  const trained = learnt.learnable.get('adapter.weight') as Tensor;
  results.set('final.adapter.weight', await read(trained));
  // The released code's parameter shares the cache's memory, so what the file calls the cache's keys are the trained ones.
  results.set('expect.cache_keys', await read(transpose(trained, 0, 1)));
  results.set('expect.final_test_logits', learnt.evaluate(test.features));
  learnt.dispose();
  return results;
};

async function textWeights(golden: MethodCase, templates: number, classes: number): Promise<Tensor> {
  const { clip } = golden;
  const features = await clip.encodeText(golden.tokens('input.template_token_ids'));
  return ensemble(reshape(features, [templates, classes, clip.config.embed]));
}

type Steps = {
  readonly first: FeatureSet;
  readonly augmented: readonly FeatureSet[];
  readonly training: ReturnType<typeof trainingOf>;
};

/** Gradient, losses and the first updates, step by step. */
async function steps(method: FeatureMethod, { first, augmented, training }: Steps, results: Results): Promise<void> {
  await method.fit({ train: first, val: undefined, augmented });
  const { lr, adamEps: eps, weightDecay, epochs } = training;
  const labels = tensor(first.labels, { device: first.features.device });
  const loss = () => {
    const logits = method.evaluate(first.features);
    return { loss: crossEntropy(logits, labels), logits };
  };
  const keys = method.learnable.get('adapter.weight') as Tensor;
  const schedule = perStep(cosine(lr, epochs));
  const rates = Array.from({ length: epochs }, (_, epoch) => schedule({ epoch, step: 0, steps: 1 }));
  results.set('expect.adapter_lr', { shape: [epochs], values: Float32Array.from(rates) });
  const start = await read(keys);
  const losses: number[] = [];
  using optimizer = new AdamW([keys], { lr, eps, weightDecay });
  for (const [step, rate] of rates.entries()) {
    const { value, gradients } = lossAndGradients(loss);
    losses.push(await value.loss.item());
    if (step === 0) {
      results.set('expect.logits', await read(value.logits));
      results.set('grad.adapter.weight', await read(gradients.of(keys)));
    }
    optimizer.step(gradients, { lr: rate });
    if (step === 0) results.set('step1.adapter.weight', await read(keys));
  }
  results.set('expect.losses', { shape: [losses.length], values: Float32Array.from(losses) });
  copyInto(keys, tensor(start.values, { shape: start.shape, device: keys.device }));
  using plain = new SGD([keys], { lr: 0.1 });
  plain.step(lossAndGradients(loss).gradients);
  results.set('step1_sgd_lr0.1.adapter.weight', await read(keys));
  method.dispose();
}
