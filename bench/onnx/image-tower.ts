/** CLIP's image tower as an ONNX model, in the standard operators that PyTorch's exporter writes. */
import type { ImageConfig } from '@mudpt/clip';
import { OnnxGraph } from './graph.ts';

/** Host values of a weight by OpenAI's name. */
export type ReadWeight = (name: string) => Float32Array;

/** Images [batch, 3, size, size] to features [batch, embed], named "images". */
export function imageTowerModel(config: ImageConfig, embed: number, batch: number, read: ReadWeight): Uint8Array {
  const { width, heads, layers, patch, size, eps } = config;
  const graph = new OnnxGraph();
  const vector = (name: string): string => {
    const data = read(name);
    return graph.constant([data.length], data);
  };
  const norm = (x: string, name: string): string =>
    graph.node('LayerNormalization', [x, vector(`${name}.weight`), vector(`${name}.bias`)], { axis: 2, epsilon: { float: eps } });
  /** x Wᵀ + b; the exporter writes the weight transposed. */
  const linear = (x: string, weight: Float32Array, bias: Float32Array, inputs: number): string => {
    const outputs = bias.length;
    const product = graph.node('MatMul', [x, graph.constant([inputs, outputs], transposed(weight, outputs, inputs))]);
    return graph.node('Add', [product, graph.constant([outputs], bias)]);
  };
  const patches = (size / patch) ** 2;
  const images = graph.input('images', [batch, 3, size, size]);
  const kernel = graph.constant([width, 3, patch, patch], read('visual.conv1.weight'));
  const cut = graph.node('Conv', [images, kernel], { strides: [patch, patch], kernel_shape: [patch, patch] });
  const rows = graph.node('Transpose', [graph.node('Reshape', [cut, graph.shape(batch, width, patches)])], { perm: [0, 2, 1] });
  const first = graph.constant([batch, 1, width], repeated(read('visual.class_embedding'), batch));
  const tokens = graph.node('Concat', [first, rows], { axis: 1 });
  const positions = graph.constant([patches + 1, width], read('visual.positional_embedding'));
  let x = norm(graph.node('Add', [tokens, positions]), 'visual.ln_pre');
  for (let layer = 0; layer < layers; layer += 1) {
    const name = `visual.transformer.resblocks.${layer}`;
    const normed = norm(x, `${name}.ln_1`);
    const weight = read(`${name}.attn.in_proj_weight`);
    const bias = read(`${name}.attn.in_proj_bias`);
    const [q, k, v] = [0, 1, 2].map((part) => {
      const rowsOf = weight.subarray(part * width * width, (part + 1) * width * width);
      const flat = linear(normed, rowsOf, bias.subarray(part * width, (part + 1) * width), width);
      const parts = graph.node('Reshape', [flat, graph.shape(batch, patches + 1, heads, width / heads)]);
      return graph.node('Transpose', [parts], { perm: part === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3] });
    }) as [string, string, string];
    const scores = graph.node('Mul', [graph.node('MatMul', [q, k]), graph.scalar(1 / Math.sqrt(width / heads))]);
    const mixed = graph.node('MatMul', [graph.node('Softmax', [scores], { axis: 3 }), v]);
    const joined = graph.node('Reshape', [
      graph.node('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
      graph.shape(batch, patches + 1, width),
    ]);
    const projected = linear(joined, read(`${name}.attn.out_proj.weight`), read(`${name}.attn.out_proj.bias`), width);
    x = graph.node('Add', [x, projected]);
    const up = linear(norm(x, `${name}.ln_2`), read(`${name}.mlp.c_fc.weight`), read(`${name}.mlp.c_fc.bias`), width);
    const gate = graph.node('Sigmoid', [graph.node('Mul', [up, graph.scalar(1.702)])]);
    const active = graph.node('Mul', [up, gate]);
    const hidden = config.hidden;
    x = graph.node('Add', [x, linear(active, read(`${name}.mlp.c_proj.weight`), read(`${name}.mlp.c_proj.bias`), hidden)]);
  }
  const classRow = graph.node('Slice', [x, graph.shape(0), graph.shape(1), graph.shape(1)]);
  const pooled = graph.node('Reshape', [norm(classRow, 'visual.ln_post'), graph.shape(batch, width)]);
  const features = graph.node('MatMul', [pooled, graph.constant([width, embed], read('visual.proj'))]);
  return graph.model(features, [batch, embed]);
}

function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let row = 0; row < rows; row += 1)
    for (let column = 0; column < columns; column += 1) out[column * rows + row] = data[row * columns + column]!;
  return out;
}

function repeated(row: Float32Array, times: number): Float32Array {
  const out = new Float32Array(row.length * times);
  for (let i = 0; i < times; i += 1) out.set(row, i * row.length);
  return out;
}
