/** Runners of methods that change the towers: class-aware prompts, adapters, tokens that enter later layers. */
import { l2Normalize, narrow, scope, type Tensor } from '@mudpt/tensor';
import { type Branches, methodNamed, Mmrl, type PromptMethod, scheduleOf, type TrainingSettings } from 'mudpt';
import type { HostTensor } from '../golden.ts';
import type { MethodRunner } from './case.ts';
import { createMethod, newLogits, read, train, unweigh } from './prompts.ts';
import { adamRun } from './successors.ts';
import { newClasses, TEMPLATE_NAME } from './tokenizer.ts';

/** The only template of the golden. */
const TEMPLATE = `${TEMPLATE_NAME} 0 {}.`;

export const tcp: MethodRunner = async (golden) => {
  const distanceWeight = golden.number('kg_weight');
  const hidden = golden.host('init.prompt_learner.meta_net.linear1.weight').shape[0] as number;
  const settings = {
    length: golden.number('n_ctx'),
    layer: golden.number('inject_before_block'),
    reduction: Math.floor(golden.clip.config.embed / hidden),
    distanceWeight,
    handTemplate: TEMPLATE,
  };
  const method = await createMethod(golden, 'tcp', settings);
  const classPrompts = await prompted(method, settings.layer);
  const terms = { crossEntropy: 'expect.term_ce', distance: 'expect.term_kg' };
  const results = await train(golden, method, terms, async (found) => {
    await newLogits(golden, method, found);
    const other = method.forContext({ classNames: newClasses(golden), template: 'fixed {}.' });
    found.set('expect.new_class_prompts', await prompted(other, settings.layer));
    other.dispose();
  });
  unweigh(results, 'expect.term_kg', distanceWeight);
  results.set('expect.class_prompts', classPrompts);
  const written = await golden.clip.encodeText(golden.tokens('input.template_token_ids'));
  results.set('expect.hand_text_features_normalized', l2Normalize(written));
  return new Map([...results, ...(await adamRun(golden, await createMethod(golden, 'tcp', settings)))]);
};

async function prompted(method: PromptMethod, layer: number): ReturnType<typeof read> {
  const tokens = method.prompts()?.text?.[layer];
  if (!tokens) throw new Error(`nothing enters text layer ${layer}`);
  return await read(tokens);
}

export const clipLora: MethodRunner = async (golden) => {
  const { metadata } = golden;
  const settings = {
    rank: golden.number('rank'),
    alpha: golden.number('alpha'),
    projections: (JSON.parse(metadata['lora_on'] ?? '[]') as string[]).map((name) => (name === 'o' ? 'out' : name)),
    towers: metadata['encoder'] === 'vision' ? 'image' : metadata['encoder'],
    position: metadata['position'],
    // The metadata also names the published value, in words.
    dropout: Number.parseFloat(metadata['lora_dropout'] ?? '0'),
  };
  const steps = golden.number('steps');
  const schedule = scheduleOf(
    methodNamed('clip-lora').training?.parse({ lr: golden.number('lr'), epochs: 1 }) as TrainingSettings,
  );
  const rate = (step: number): number => schedule({ epoch: 0, step, steps });
  const method = await createMethod(golden, 'clip-lora', settings);
  const results = await train(golden, method, {}, (found) => newLogits(golden, method, found), { rateOf: rate });
  const rates = Float32Array.from({ length: steps }, (_, step) => rate(step));
  return results.set('expect.lr', { shape: [steps], values: rates });
};

export const mma: MethodRunner = async (golden) => {
  const settings = {
    width: golden.number('adapter_dim'),
    firstLayer: golden.number('adapter_start'),
    lastLayer: golden.number('adapter_end'),
    scale: golden.number('adapter_scale'),
  };
  const method = await createMethod(golden, 'mma', settings);
  return train(golden, method, {}, (found) => newLogits(golden, method, found));
};

export const mmrl: MethodRunner = async (golden) => {
  const layers = JSON.parse(golden.metadata['rep_layers'] ?? '[]') as number[];
  const [alpha, distanceWeight] = [golden.number('mmrl_alpha'), golden.number('reg_weight')];
  const settings = {
    length: golden.number('rep_tokens'),
    width: golden.number('rep_dim'),
    firstLayer: Math.min(...layers),
    lastLayer: Math.max(...layers),
    alpha,
    distanceWeight,
  };
  const method = await createMethod(golden, 'mmrl', settings);
  const images = golden.tensor('input.image');
  const before = await secondBranch(method, images);
  const terms = {
    crossEntropy: 'expect.term_ce',
    crossEntropySecond: 'expect.term_ce_rep',
    image: 'expect.term_reg_image',
    text: 'expect.term_reg_text',
  };
  const results = await train(golden, method, terms, async (found) => {
    found.set('expect.final_logits_fusion', found.get('expect.final_logits') as HostTensor);
    found.set('expect.final_logits', (await secondBranch(method, images)).clip);
    await newLogits(golden, method, found);
    const other = method.forContext({ classNames: newClasses(golden), template: 'fixed {}.' });
    found.set('expect.new_logits_fusion', (await secondBranch(other, images)).fused);
    other.dispose();
  });
  unweigh(results, 'expect.term_ce', alpha);
  unweigh(results, 'expect.term_ce_rep', 1 - alpha);
  unweigh(results, 'expect.term_reg_image', distanceWeight);
  unweigh(results, 'expect.term_reg_text', distanceWeight);
  results.set('expect.logits_fusion', results.get('expect.logits') as HostTensor);
  results.set('expect.logits', before.clip);
  results.set('expect.logits_rep', before.second);
  results.set('expect.image_features_rep', before.features);
  const written = await golden.clip.encodeText(golden.tokens('input.token_ids'));
  results.set('expect.clip_text_features_normalized', l2Normalize(written));
  return results;
};

/** Logits of both features, and the second one. */
async function secondBranch(method: PromptMethod, images: Tensor): Promise<Record<keyof Branches | 'features', HostTensor>> {
  if (!(method instanceof Mmrl)) throw new Error('only MMRL has a second feature');
  return await scope(async () => {
    const both = method.bothFeatures(images);
    const { clip, second, fused } = method.branches(both, method.textFeatures() as Tensor);
    const embed = (both.shape[1] as number) / 2;
    const features = await read(narrow(both, 1, embed, embed));
    return { clip: await read(clip), second: await read(second), fused: await read(fused), features };
  });
}
