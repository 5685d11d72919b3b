import {
  crossEntropy,
  embedding,
  LayerNorm,
  layerNorm,
  Linear,
  linear,
  lossAndGradients,
  MultiHeadAttention,
  SGD,
  TransformerBlock,
} from '@mudpt/autograd/functions';
import { add, capture, reshape } from '@mudpt/tensor/functions';

export function program(weights, { x, y, lr, width, heads, layers, vocabulary }) {
  const { token, position, last_norm, last_b, head } = weights;
  const blocks = Array.from({ length: layers }, (_, k) => {
    const of = (name) => weights[`h${k}_${name}`];
    const dense = (name, from, to) => new Linear(from, to, { weight: of(name), bias: of(`${name}_b`) });
    const norm = (name) => new LayerNorm(width, { weight: of(name), bias: of(`${name}_b`) });
    const attention = new MultiHeadAttention(width, heads, {
      qkv: dense('qkv', width, 3 * width),
      out: dense('out', width, width),
    });
    const [up, down] = [dense('up', width, 4 * width), dense('down', 4 * width, width)];
    const parts = { norm1: norm('norm1'), attention, norm2: norm('norm2'), up, down };
    return new TransformerBlock({ width, heads, activation: 'relu', parts });
  });
  const optimizer = new SGD(Object.values(weights), { lr });
  const forward = (x) => {
    let h = add(embedding(token, x), position);
    for (const block of blocks) h = block.forward(h, { causal: true });
    return reshape(linear(layerNorm(h, last_norm, last_b, 1e-5), head), [-1, vocabulary]);
  };
  const step = capture(({ x, y }) => {
    const { value, gradients } = lossAndGradients(() => crossEntropy(forward(x), y));
    optimizer.step(gradients);
    return value;
  });
  return () => step({ x, y });
}
