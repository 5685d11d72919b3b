/** A runner for each method that learns prompts: its settings from the metadata, and what its goldens expect beside the common part. */
import { l2Normalize, mean, narrow, reshape, type Tensor } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { aggregationWeights } from 'mudpt';
import type { HostTensor } from '../golden.ts';
import { Unsupported } from '../options.ts';
import type { MethodCase, MethodRunner } from './case.ts';
import { createMethod, evaluated, injections, read, type Results, startFrom, train, Training, unweigh } from './prompts.ts';
import { TEMPLATE_NAME } from './tokenizer.ts';

/** "words" in the metadata: the golden's own word ids; anything else begins at random. */
const words = ({ metadata }: MethodCase): string => (metadata['ctx_init'] === 'words' ? 'words' : '');

const flag = ({ metadata }: MethodCase, name: string): boolean => metadata[name] === 'true';

function mudptRunner(name: 'mudpt' | 'umudpt', learner: string, extra: Record<string, unknown>): MethodRunner {
  return async (golden) => {
    const settings = { length: golden.number('n_ctx'), depth: golden.number('depth'), initWords: words(golden), ...extra };
    const method = await createMethod(golden, name, settings);
    const injected = await injections(golden, method, learner);
    return new Map([...injected, ...(await train(golden, method))]);
  };
}

export const mudptLinear = mudptRunner('mudpt', 'mudpt_prompt_learner', { injection: 'linear' });
export const mudptTransformer = mudptRunner('mudpt', 'uumudpt_prompt_learner', { injection: 'transformer' });
export const umudpt = mudptRunner('umudpt', 'umudpt_prompt_learner', {});

const independent = (golden: MethodCase) => ({
  textLength: golden.number('n_ctx_text'),
  textDepth: golden.number('depth_text'),
  imageLength: golden.number('n_ctx_vision'),
  imageDepth: golden.number('depth_vision'),
  initWords: words(golden),
});

/** Without image prompts it is deep language prompting. */
export const ivlp: MethodRunner = async (golden) => {
  const settings = independent(golden);
  const { textLength: length, textDepth: depth, imageLength, imageDepth, initWords } = settings;
  if (imageLength * imageDepth > 0) return train(golden, await createMethod(golden, 'ivlp', settings));
  return train(golden, await createMethod(golden, 'deep-language', { length, depth, initWords }));
};

export const vpt: MethodRunner = async (golden) => {
  const settings = { length: golden.number('n_ctx_vision'), depth: golden.number('depth_vision'), template: '' };
  return train(golden, await createMethod(golden, 'vpt', settings));
};

export const maple: MethodRunner = async (golden) => {
  const settings = { length: golden.number('n_ctx'), depth: golden.number('depth'), initWords: words(golden) };
  return train(golden, await createMethod(golden, 'maple', settings));
};

export const cocoop: MethodRunner = async (golden) => {
  const settings = {
    length: golden.number('n_ctx'),
    initWords: words(golden),
    reduction: reductionOf(golden),
  };
  return train(golden, await createMethod(golden, 'cocoop', settings));
};

/** The whole number that divides the features' width into the network's, rounded down. */
function reductionOf(golden: MethodCase): number {
  const { embed } = golden.clip.config;
  const hidden = golden.number('meta_hidden');
  const reduction = Array.from({ length: embed }, (_, index) => index + 1).find((by) => Math.floor(embed / by) === hidden);
  if (reduction === undefined) throw new Unsupported(`meta_hidden ${hidden} is no part of ${embed}`);
  return reduction;
}

export const coop: MethodRunner = async (golden) => {
  const method = await createMethod(golden, 'coop', {
    length: golden.number('n_ctx'),
    initWords: words(golden),
    position: golden.metadata['class_token_position'],
    classSpecific: flag(golden, 'csc'),
  });
  const results = await train(golden, method);
  if (golden.tensors.has('expect.final_prompt_embeddings'))
    results.set('expect.final_prompt_embeddings', await promptEmbeddings(golden, results.get('final.prompt_learner.ctx')));
  return results;
};

/** The rows of every text, written out on the host from where CoOp says they stand. */
async function promptEmbeddings(golden: MethodCase, ctx: Tensor | HostTensor | undefined): Promise<HostTensor> {
  if (!ctx || !('values' in ctx) || !golden.clip.text) throw new Error('the final context was not read');
  const embedded = golden.clip.text.embed(golden.tokens('input.token_ids'));
  const { shape, values } = await read(embedded);
  const [classes = 0, length = 0, width = 0] = shape;
  const count = golden.number('n_ctx');
  const position = golden.metadata['class_token_position'];
  const out = new Float32Array(values.length);
  for (let label = 0; label < classes; label += 1) {
    const name = nth(golden.host('input.name_lens').values, label);
    const before = position === 'end' ? count : position === 'middle' ? Math.floor(count / 2) : 0;
    const token = (place: number): Float32Array | Int32Array =>
      values.subarray((label * length + place) * width, (label * length + place + 1) * width);
    const learnt = (row: number): Float32Array | Int32Array => {
      const at = ctx.shape.length === 3 ? label * count + row : row;
      return ctx.values.subarray(at * width, (at + 1) * width);
    };
    const rows = [
      token(0),
      ...Array.from({ length: before }, (_, row) => learnt(row)),
      ...Array.from({ length: position === 'end' ? 0 : name }, (_, at) => token(1 + count + at)),
      ...Array.from({ length: count - before }, (_, row) => learnt(before + row)),
    ];
    while (rows.length < length) rows.push(token(rows.length));
    for (const [place, row] of rows.entries()) out.set(row, (label * length + place) * width);
  }
  return { shape, values: out };
}

export const promptsrc: MethodRunner = async (golden) => {
  const [templates = 0, classes = 0] = golden.host('input.template_token_ids').shape;
  const [center, deviation] = [golden.number('gpa_mean'), golden.number('gpa_std')];
  const settings = {
    ...independent(golden),
    textLossWeight: golden.number('text_loss_weight'),
    imageLossWeight: golden.number('image_loss_weight'),
    aggregationMean: center,
    aggregationDeviation: deviation,
    templates: Array.from({ length: templates }, (_, index) => `${TEMPLATE_NAME} ${index} {}.`),
  };
  const terms = {
    crossEntropy: 'expect.term_ce',
    text: 'expect.term_l1_text',
    image: 'expect.term_l1_image',
    logits: 'expect.term_kl',
  };
  const results = await train(golden, await createMethod(golden, 'promptsrc', settings), terms);
  unweigh(results, 'expect.term_l1_text', settings.textLossWeight);
  unweigh(results, 'expect.term_l1_image', settings.imageLossWeight);
  const { clip } = golden;
  const all = reshape(await clip.encodeText(golden.tokens('input.template_token_ids')), [templates, classes, clip.config.embed]);
  const texts = mean(all, [0]);
  const images = await clip.encodeImage(golden.tensor('input.image'));
  results.set('expect.zs_text_features_mean', texts);
  results.set('expect.zs_text_features', l2Normalize(texts));
  results.set('expect.zs_image_features_raw', images);
  results.set('expect.zs_image_features', l2Normalize(images));
  results.set('expect.zs_logits', clip.similarity(images, texts));
  const epochs = golden.number('gpa_epochs');
  results.set('gpa.weights', { shape: [epochs], values: Float32Array.from(aggregationWeights(epochs, center, deviation)) });
  return new Map([...results, ...(await aggregate(golden, settings, epochs))]);
};

/** Epochs of two batches (the halves of the images) from the initial values, and the mean over them. */
async function aggregate(golden: MethodCase, settings: Record<string, unknown>, epochs: number): Promise<Results> {
  const results: Results = new Map();
  const method = await createMethod(golden, 'promptsrc', settings);
  startFrom(golden, method, 'init.');
  const training = new Training(golden, method);
  const [images, labels] = [golden.tensor('input.image'), golden.tensor('input.label')];
  const [batch = 0] = images.shape;
  const half = Math.floor(batch / 2);
  const halves = [[0, half] as const, [half, batch - half] as const].map(
    ([start, count]) => [narrow(images, 0, start, count), narrow(labels, 0, start, count)] as const,
  );
  try {
    const losses: number[] = [];
    for (let epoch = 0; epoch < epochs; epoch += 1) {
      for (const [image, label] of halves) losses.push(await training.step(image, label).loss.item());
      for (const [name, tensor] of method.learnable) results.set(`gpa.epoch${epoch}.${name}`, await read(tensor));
      method.endEpoch?.(epoch, epochs);
    }
    results.set('gpa.losses', { shape: [epochs, halves.length], values: Float32Array.from(losses) });
    for (const [name, tensor] of method.learnable) results.set(`gpa.final.${name}`, await read(tensor));
    results.set('gpa.final_logits', await read(evaluated(method, images)));
    return results;
  } finally {
    training.dispose();
  }
}
