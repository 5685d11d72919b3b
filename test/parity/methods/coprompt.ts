/** Runner of CoPrompt: its descriptions are drawn from a key, so before each step the key is set to one that draws what the golden says. */
import { copyInto, l2Normalize, rand, reshape, type Tensor, tensor } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { adapterOutput } from 'mudpt';
import { Unsupported } from '../options.ts';
import type { MethodCase, MethodRunner } from './case.ts';
import { createMethod, newLogits, read, train, unweigh } from './prompts.ts';

const KEYS = 10_000;

/** Keys that lie one before those that draw each of `count` descriptions: a step counts up, and draws then. */
async function keysBefore(golden: MethodCase, count: number): Promise<ReadonlyMap<number, Tensor>> {
  const { device } = golden;
  const keys = new Map<number, Tensor>();
  for (let word = 0; keys.size < count && word < KEYS; word += 1) {
    const drawn = await rand([1], { key: [word + 1, word + 1], device }).item();
    const chosen = Math.floor(drawn * count);
    if (!keys.has(chosen)) keys.set(chosen, tensor(Uint32Array.of(word, word), { device, dtype: 'u32' }));
  }
  return keys;
}

export const coprompt: MethodRunner = async (golden) => {
  const { clip } = golden;
  const [count = 0, classes = 0] = golden.host('input.description_token_ids').shape;
  const hidden = golden.host('init.adapter_image.fc.0.weight').shape[0] as number;
  const reduction = Math.floor(clip.config.embed / hidden);
  if (Math.floor(clip.config.embed / reduction) !== hidden) throw new Unsupported(`hidden ${hidden} of ${clip.config.embed}`);
  const consistencyWeight = golden.number('consistency_weight');
  const settings = {
    length: golden.number('n_ctx'),
    depth: golden.number('depth'),
    initWords: golden.metadata['ctx_init'] === 'words' ? 'words' : '',
    reduction,
    imageRatio: golden.number('image_adapter'),
    textRatio: golden.number('text_adapter'),
    consistencyWeight,
  };
  const descriptions = Array.from({ length: classes }, (_, label) =>
    Array.from({ length: count }, (_each, sentence) => `description ${sentence} ${label}`),
  );
  const plain = await createMethod(golden, 'coprompt', { ...settings, imageRatio: 0, textRatio: 0 }, { descriptions });
  const encoded = plain.forward(golden.tensor('input.image'));
  plain.dispose();
  const adapted = (tower: string, features: Tensor): Tensor =>
    adapterOutput(
      features,
      golden.tensor(`init.adapter_${tower}.fc.0.weight`),
      golden.tensor(`init.adapter_${tower}.fc.2.weight`),
    );
  const method = await createMethod(golden, 'coprompt', settings, { descriptions });
  const choices = golden.host('input.description_choice').values;
  const keys = count > 1 ? await keysBefore(golden, count) : undefined;
  const before = (step: number): void => {
    const [key, chosen] = [method.state.get('descriptions.key'), keys?.get(nth(choices, step))];
    if (keys && (!key || !chosen)) throw new Unsupported(`description ${nth(choices, step)} of ${count}`);
    if (key && chosen) copyInto(key, chosen);
  };
  const terms = { crossEntropy: 'expect.term_ce', text: 'expect.term_text', image: 'expect.term_image' };
  const results = await train(golden, method, terms, (found) => newLogits(golden, method, found), { before });
  unweigh(results, 'expect.term_text', consistencyWeight);
  unweigh(results, 'expect.term_image', consistencyWeight);
  // Files have the features before the networks, and may leave out the terms.
  for (const name of [...Object.values(terms), 'expect.image_features', 'expect.text_features'])
    if (!golden.tensors.has(name)) results.delete(name);
  results.set('expect.image_features_encoder', encoded.imageFeatures);
  results.set('expect.text_features_encoder', encoded.textFeatures);
  results.set('expect.image_adapter_output', adapted('image', encoded.imageFeatures));
  results.set('expect.text_adapter_output', adapted('text', encoded.textFeatures));
  const described = l2Normalize(await clip.encodeText(golden.tokens('input.description_token_ids')));
  results.set('expect.description_features', await read(reshape(described, [count, classes, -1])));
  return results;
};
