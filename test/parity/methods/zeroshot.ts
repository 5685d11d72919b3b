/** Zero-shot CLIP: features, logits and every hidden state; and the ensemble of several templates. */
import type { TransformerBlock } from '@mudpt/autograd';
import { type Clip, ensemble } from '@mudpt/clip';
import {
  add,
  crossEntropy,
  gelu,
  keep,
  l2Normalize,
  narrow,
  permute,
  quickGelu,
  reshape,
  select,
  softmax,
  sub,
  type Tensor,
  transpose,
} from '@mudpt/tensor';
import type { HostTensor } from '../golden.ts';
import type { MethodCase, MethodRunner } from './case.ts';

type Results = Map<string, Tensor | HostTensor>;

export const zeroshotClip: MethodRunner = async (golden) => {
  const { clip } = golden;
  const images = golden.tensor('input.image');
  const results: Results = new Map();
  const imageFeatures = await clip.encodeImage(images);
  const textFeatures = await clip.encodeText(golden.tokens('input.token_ids'));
  const logits = clip.similarity(imageFeatures, textFeatures);
  results.set('expect.image_features', imageFeatures);
  results.set('expect.text_features', textFeatures);
  results.set('expect.image_features_normalized', l2Normalize(imageFeatures, -1));
  results.set('expect.text_features_normalized', l2Normalize(textFeatures, -1));
  results.set('expect.logits', logits);
  results.set('expect.logits_per_text', transpose(logits, 0, 1));
  results.set('expect.probabilities', softmax(logits, -1));
  results.set('expect.loss', crossEntropy(logits, golden.tensor('input.label')));
  const { text } = clip;
  using sequences = text?.pack(golden.tokens('input.token_ids'), 0).sequences;
  const ends = sequences?.lengths?.map((length) => length - 1) ?? [];
  results.set('expect.eot_index', { shape: [ends.length], values: Int32Array.from(ends) });
  imageStates(golden, clip, images, results);
  textStates(golden, clip, results);
  return results;
};

/** States of one image; those between blocks come from the hook of the real forward. */
function imageStates(golden: MethodCase, clip: Clip, images: Tensor, results: Results): void {
  const { image } = clip;
  if (!image) return;
  const { size, patch, width } = image.config;
  const tokens = image.patches(narrow(images, 0, golden.number('hidden_image'), 1));
  const side = size / patch;
  const withoutPositions = narrow(sub(tokens, image.positions), 1, 1, side * side);
  results.set('hidden.visual.conv1', permute(reshape(withoutPositions, [side, side, width]), [2, 0, 1]));
  results.set('hidden.visual.embed', select(tokens, 0, 0));
  const inputs: Tensor[] = [];
  const last = image.hidden(tokens, { hook: (x) => remember(inputs, x) });
  results.set('hidden.visual.ln_pre', select(inputs[0] ?? tokens, 0, 0));
  blockStates('hidden.visual', image.blocks, [...inputs, last], results, { causal: false });
  for (const x of inputs) x.dispose();
  results.set('hidden.visual.ln_post', image.normPost.forward(select(select(last, 0, 0), 0, 0)));
}

function textStates(golden: MethodCase, clip: Clip, results: Results): void {
  const { text } = clip;
  if (!text) return;
  const embeddings = narrow(text.embed(golden.tokens('input.token_ids')), 0, golden.number('hidden_class'), 1);
  const inputs: Tensor[] = [];
  const last = text.hidden(embeddings, { hook: (x) => remember(inputs, x) });
  results.set('hidden.text.embed', select(inputs[0] ?? embeddings, 0, 0));
  blockStates('hidden.text', text.blocks, [...inputs, last], results, { causal: true });
  for (const x of inputs) x.dispose();
  results.set('hidden.text.ln_final', select(text.normFinal.forward(last), 0, 0));
}

/** Keeps a copy beyond the block's scope; the caller disposes it. */
function remember(inputs: Tensor[], x: Tensor): Tensor {
  inputs.push(keep(add(x, 0)));
  return x;
}

/** What happens inside each block, from the state before it; `states` are those before every block and after the last. */
function blockStates(
  name: string,
  blocks: readonly TransformerBlock[],
  states: readonly Tensor[],
  results: Results,
  { causal }: { readonly causal: boolean },
): void {
  for (const [layer, { norm1, attention, norm2, up, down, activation }] of blocks.entries()) {
    const [x, out] = [states[layer], states[layer + 1]];
    if (!x || !out) throw new Error(`the hook of ${name} was not called for layer ${layer}`);
    const normed = norm1.forward(x);
    const attended = attention.forward(normed, { causal });
    const again = norm2.forward(add(x, attended));
    const before = up.forward(again);
    const parts = {
      ln_1: normed,
      attn: attended,
      ln_2: again,
      mlp_pre: before,
      mlp: down.forward(activation === 'gelu' ? gelu(before) : quickGelu(before)),
      out,
    };
    for (const [part, value] of Object.entries(parts)) results.set(`${name}.block${layer}.${part}`, select(value, 0, 0));
  }
}

/** Every template's feature is normalised, then their mean. */
export const zeroshotEnsemble: MethodRunner = async (golden) => {
  const { clip } = golden;
  const [templates = 0, classes = 0] = golden.host('input.template_token_ids').shape;
  const features = await clip.encodeText(golden.tokens('input.template_token_ids'));
  const ensembled = ensemble(reshape(features, [templates, classes, clip.config.embed]));
  const logits = clip.similarity(await clip.encodeImage(golden.tensor('input.image')), ensembled);
  return new Map([
    ['expect.text_features_ensemble', ensembled],
    ['expect.logits', logits],
    ['expect.loss', crossEntropy(logits, golden.tensor('input.label'))],
  ]);
};
