/** Runners of later methods: their settings from the metadata, and what their goldens expect beside the common part. */
import { copyInto, l2Normalize, type Tensor, tensor } from '@mudpt/tensor';
import { adapterOutput, methodNamed, type PromptMethod } from 'mudpt';
import { Unsupported } from '../options.ts';
import type { MethodCase, MethodRunner } from './case.ts';
import { contextOf, createMethod, newLogits, read, train, unweigh } from './prompts.ts';
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
