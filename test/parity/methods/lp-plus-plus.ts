/** LP++: its start, step sizes and steps, to the golden's final state. */
import { lossAndGradients } from '@mudpt/autograd';
import { ensemble } from '@mudpt/clip';
import { crossEntropy, l2Normalize, reshape, type Tensor, tensor, transpose } from '@mudpt/tensor';
import { type FeatureMethod, type FeatureSet, LpPlusPlus, type LpSettings, methodNamed } from 'mudpt';
import { Unsupported } from '../options.ts';
import type { MethodCase, MethodRunner } from './case.ts';
import { contextOf, read, type Results } from './prompts.ts';
import { TEMPLATE_NAME } from './tokenizer.ts';

const NAMES = ['classifier.weight', 'classifier.bias', 'alpha'] as const;

export const lpplus: MethodRunner = async (golden) => {
  const { clip, device } = golden;
  const results: Results = new Map();
  const [templates = 0, classes = 0] = golden.host('input.template_token_ids').shape;
  const labels = Int32Array.from(golden.host('input.train_label').values);
  const train: FeatureSet = { features: await clip.encodeImage(golden.tensor('input.train_images')), labels };
  const test = await clip.encodeImage(golden.tensor('input.test_images'));
  const texts = await clip.encodeText(golden.tokens('input.template_token_ids'));
  results.set('expect.train_features', l2Normalize(train.features));
  results.set('expect.test_features', l2Normalize(test));
  results.set('expect.text_weights', transpose(ensemble(reshape(texts, [templates, classes, clip.config.embed])), 0, 1));

  const steps = golden.number('steps');
  const states: FeatureMethod[] = [];
  // The state before each step is where as many steps lead; its bias begins as the golden's.
  for (let epochs = 0; epochs <= steps; epochs += 1) states.push(await fitted(golden, train, epochs, templates, classes));
  const losses: number[] = [];
  const alphas: number[] = [];
  const onDevice = tensor(labels, { device });
  for (const [step, state] of states.entries()) {
    if (step === steps) break;
    const { value, gradients } = lossAndGradients(() => {
      const logits = state.evaluate(train.features);
      return { loss: crossEntropy(logits, onDevice), logits };
    }, [...state.learnable.values()]);
    losses.push(await value.loss.item());
    alphas.push(...(await (state.learnable.get('alpha') as Tensor).data()));
    if (step > 0) continue;
    results.set('expect.loss', await read(value.loss));
    results.set('expect.logits', await read(value.logits));
    for (const name of NAMES) {
      results.set(`grad.${name}`, await read(gradients.of(state.learnable.get(name) as Tensor)));
      results.set(`init.${name}`, await read(state.learnable.get(name) as Tensor));
    }
  }
  results.set('expect.losses', { shape: [steps], values: Float32Array.from(losses) });
  results.set('expect.alpha_at_step_start', { shape: [steps, classes], values: Float32Array.from(alphas) });
  const last = states.at(-1);
  if (!last) throw new Unsupported('there are no steps');
  for (const name of NAMES) results.set(`final.${name}`, await read(last.learnable.get(name) as Tensor));
  results.set('expect.final_test_logits', await read(last.evaluate(test)));
  const { chosen } = await last.fit({ train, val: undefined, augmented: [train] });
  results.set('expect.lr_w', { shape: [], values: Float32Array.of(chosen['weightRate'] ?? Number.NaN) });
  results.set('expect.lr_alpha', { shape: [], values: Float32Array.of(chosen['alphaRate'] ?? Number.NaN) });
  for (const state of states) state.dispose();
  return results;
};

/** After so many steps from the golden's bias, the only part of the start that is drawn. */
async function fitted(
  golden: MethodCase,
  train: FeatureSet,
  epochs: number,
  templates: number,
  classes: number,
): Promise<FeatureMethod> {
  const bias = golden.host('init.classifier.bias').values;
  const { embed } = golden.clip.config;
  let next = 0;
  // A uniform number u becomes (2 u - 1) / sqrt(embed).
  const random = (): number => ((bias[next++ % bias.length] as number) * Math.sqrt(embed) + 1) / 2;
  const written = Array.from({ length: templates }, (_, index) => `${TEMPLATE_NAME} ${index} {}.`);
  const settings = methodNamed('lp-plus-plus').settings.parse({ epochs, templates: written }) as LpSettings;
  const method = new LpPlusPlus(await contextOf(golden, classes), settings, random);
  await method.fit({ train, val: undefined, augmented: [train] });
  return method;
}
