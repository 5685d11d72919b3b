/** Runners of methods that change the towers: class-aware prompts, adapters, tokens that enter later layers. */
import { l2Normalize } from '@mudpt/tensor';
import type { PromptMethod } from 'mudpt';
import type { MethodCase, MethodRunner } from './case.ts';
import { adamOf, createMethod, evaluated, newLogits, read, type Results, train, Training, unweigh } from './prompts.ts';
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
  await adamRun(golden, await createMethod(golden, 'tcp', settings), results);
  return results;
};

async function prompted(method: PromptMethod, layer: number): ReturnType<typeof read> {
  const tokens = method.prompts()?.text?.[layer];
  if (!tokens) throw new Error(`nothing enters text layer ${layer}`);
  return await read(tokens);
}

/** The second run, by the authors' optimizer. */
async function adamRun(golden: MethodCase, method: PromptMethod, results: Results): Promise<void> {
  const training = new Training(golden, method, adamOf);
  const [images, labels] = [golden.tensor('input.image'), golden.tensor('input.label')];
  try {
    const losses: number[] = [];
    for (let step = 0; step < golden.number('steps'); step += 1) losses.push(await training.step(images, labels).loss.item());
    results.set('adam.losses', { shape: [losses.length], values: Float32Array.from(losses) });
    for (const [name, tensor] of method.learnable) results.set(`adam.final.${name}`, await read(tensor));
    results.set('adam.final_logits', await read(evaluated(method, images)));
  } finally {
    training.dispose();
  }
}
