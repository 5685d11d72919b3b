/** Runners of later methods: their settings from the metadata, and what their goldens expect beside the common part. */
import { copyInto, div, l2Normalize, mean, mul, reshape, sqrt, sum, type Tensor, tensor } from '@mudpt/tensor';
import { adapterOutput, gradientParts, methodNamed, optimizerOf, type PromptMethod } from 'mudpt';
import { Unsupported } from '../options.ts';
import type { MethodCase, MethodRunner } from './case.ts';
import { contextOf, createMethod, evaluated, newLogits, read, type Results, train, Training, unweigh } from './prompts.ts';
import { newClasses, TEMPLATE_NAME } from './tokenizer.ts';

const words = ({ metadata }: MethodCase): string => (metadata['ctx_init'] === 'words' ? 'words' : '');

/** The only template of the golden. */
const TEMPLATE = `${TEMPLATE_NAME} 0 {}.`;

export const kgcoop: MethodRunner = async (golden) => {
  const distanceWeight = golden.number('kg_weight');
  const settings = { length: golden.number('n_ctx'), initWords: words(golden), distanceWeight, template: TEMPLATE };
  const method = await createMethod(golden, 'kgcoop', settings);
  const terms = { crossEntropy: 'expect.term_ce', distance: 'expect.term_kg' };
  const results = await train(golden, method, terms, async (results) => {
    await newLogits(golden, method, results);
    // One made for the new classes has their hand-written features.
    const context = { ...(await contextOf(golden, method.classNames.length)), classNames: newClasses(golden) };
    const other = methodNamed('kgcoop').create(context, settings) as PromptMethod;
    for (const [name, learnt] of other.learnable) copyInto(learnt, method.learnable.get(name) as Tensor);
    const labels = tensor(new Int32Array(golden.host('input.label').values.length), { device: golden.device });
    const { terms: parts } = other.loss(golden.tensor('input.image'), labels);
    results.set('expect.new_term_kg', await read(parts['distance'] as Tensor));
    other.dispose();
  });
  unweigh(results, 'expect.term_kg', distanceWeight);
  unweigh(results, 'expect.new_term_kg', distanceWeight);
  const written = await golden.clip.encodeText(golden.tokens('input.template_token_ids'));
  results.set('expect.hand_text_features_normalized', l2Normalize(written));
  return results;
};

export const clipAdapter: MethodRunner = async (golden) => {
  const [embed, hidden, reduction] = [golden.clip.config.embed, golden.number('hidden'), golden.number('reduction')];
  if (Math.max(1, Math.floor(embed / reduction)) !== hidden) throw new Unsupported(`hidden ${hidden} of ${embed} / ${reduction}`);
  const settings = { reduction, ratio: golden.number('ratio') };
  const method = await createMethod(golden, 'clip-adapter', settings);
  const frozen = await golden.clip.encodeImage(golden.tensor('input.image'));
  const initial = (name: string): Tensor => golden.tensor(`init.${name}`);
  const output = adapterOutput(frozen, initial('adapter.fc.0.weight'), initial('adapter.fc.2.weight'));
  const results = await train(golden, method, {}, (found) => newLogits(golden, method, found));
  results.set('expect.image_features_clip', frozen);
  results.set('expect.adapter_output', output);
  return results;
};

export const taskres: MethodRunner = async (golden) => {
  const templates = golden.number('templates');
  const settings = {
    residualWeight: golden.number('alpha'),
    templates: Array.from({ length: templates }, (_, index) => `${TEMPLATE_NAME} ${index} {}.`),
  };
  const images = golden.tensor('input.image');
  const subset = Array.from(golden.host('input.subset_classes').values, String);
  const method = await createMethod(golden, 'taskres', settings);
  const results = await train(golden, method, {}, async (found) => {
    const part = method.forContext({ classNames: subset, template: 'fixed {}.' });
    found.set('expect.subset_logits', await read(evaluated(part, images)));
    part.dispose();
  });
  const base = await golden.clip.encodeText(golden.tokens('input.template_token_ids'));
  const classes = method.classNames.length;
  results.set('expect.base_text_features', mean(reshape(base, [templates, classes, golden.clip.config.embed]), [0]));
  return new Map([...results, ...(await adamRun(golden, await createMethod(golden, 'taskres', settings)))]);
};

type AdamFacts = { readonly lr: number; readonly eps: number; readonly weight_decay: number; readonly betas: [number, number] };

/** The same steps with the authors' Adam, by the trainer's settings. */
export async function adamRun(golden: MethodCase, method: PromptMethod): Promise<Results> {
  const facts = JSON.parse(golden.metadata['adam'] ?? '{}') as AdamFacts & { readonly class: string };
  if (facts.class !== 'adam') throw new Unsupported(`the second run's optimizer is ${facts.class}`);
  const { lr, eps: adamEps, weight_decay: weightDecay, betas: adamBetas } = facts;
  const rule = { optimizer: 'adam', lr, adamEps, weightDecay, adamBetas, momentum: 0 } as const;
  const training = new Training(golden, method, optimizerOf([...method.learnable.values()], rule));
  const [images, labels] = [golden.tensor('input.image'), golden.tensor('input.label')];
  const results: Results = new Map();
  const losses: number[] = [];
  try {
    for (let step = 0; step < golden.number('steps'); step += 1) losses.push(await training.step(images, labels).loss.item());
    results.set('adam.losses', { shape: [losses.length], values: Float32Array.from(losses) });
    for (const [name, learnt] of method.learnable) results.set(`adam.final.${name}`, await read(learnt));
    results.set('adam.final_logits', await read(evaluated(method, images)));
    return results;
  } finally {
    training.dispose();
  }
}

export const prograd: MethodRunner = async (golden) => {
  const settings = {
    length: golden.number('n_ctx'),
    initWords: 'words',
    template: TEMPLATE,
    projectionWeight: golden.number('lambda'),
    temperature: golden.number('temperature'),
  };
  const method = await createMethod(golden, 'prograd', settings);
  const images = golden.tensor('input.image');
  const results: Results = new Map();
  const { outputs, guides } = method.loss(images, golden.tensor('input.label'));
  results.set('expect.term_kl', await read(guides?.['divergence'] as Tensor));
  const written = await golden.clip.encodeText(golden.tokens('input.template_token_ids'));
  results.set('expect.teacher_logits', golden.clip.similarity(outputs.imageFeatures, written));
  await rawGradients(method, images, golden.tensor('input.label'), '', results);
  for (const [name, found] of await train(golden, method, { crossEntropy: 'expect.term_ce' }, (all) =>
    newLogits(golden, method, all),
  ))
    results.set(name, found);
  // The same with labels whose gradient stands otherwise to the frozen model's.
  for (const set of ['agree', 'conflict']) {
    if (!golden.tensors.has(`${set}.input.label`)) continue;
    const again = await createMethod(golden, 'prograd', settings);
    const labels = golden.tensor(`${set}.input.label`);
    await rawGradients(again, images, labels, `${set}.`, results);
    for (const [name, found] of await train(golden, again, {}, undefined, { labels }))
      if (golden.tensors.has(`${set}.${name}`)) results.set(`${set}.${name}`, found);
  }
  return results;
};

/** The gradients before they are combined, and their cosine. */
async function rawGradients(method: PromptMethod, images: Tensor, labels: Tensor, set: string, results: Results): Promise<void> {
  const { parts } = gradientParts(method, images, labels);
  const guide = parts.guides.get('divergence');
  for (const [name, learnt] of method.learnable) {
    const [ofLoss, ofGuide] = [parts.loss.of(learnt), guide?.of(learnt) as Tensor];
    results.set(`${set}grad_ce.${name}`, await read(ofLoss));
    results.set(`${set}grad_kl.${name}`, await read(ofGuide));
    const cosine = div(sum(mul(ofLoss, ofGuide)), sqrt(mul(sum(mul(ofLoss, ofLoss)), sum(mul(ofGuide, ofGuide)))));
    results.set(`${set}expect.cos`, await read(cosine));
  }
}
