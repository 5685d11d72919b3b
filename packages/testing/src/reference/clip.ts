/** CLIP in f64 on the host, written from OpenAI's model.py: the reference of the towers. One input at a time. */
import type { ClipConfig, ClipWeights, TowerConfig } from '@mudpt/clip';
import { Tensor } from '@mudpt/tensor';

/** Rows of equal length. */
export type Rows = readonly Float64Array[];
export type ReferenceHook = (x: Rows, layer: number) => Rows;

/** A weight's values. */
function values(weights: ClipWeights, name: string): Float32Array {
  const found = weights[name];
  if (!found || found instanceof Tensor || found.dtype !== 'f32')
    throw new Error(`the reference needs ${name} as f32 on the host`);
  return found.data;
}

function linear(x: Rows, weight: Float32Array, bias: Float32Array | undefined): Float64Array[] {
  return x.map((row) => {
    const inputs = row.length;
    const out = new Float64Array(weight.length / inputs);
    for (let o = 0; o < out.length; o += 1) {
      let sum = bias ? bias[o]! : 0;
      for (let i = 0, at = o * inputs; i < inputs; i += 1, at += 1) sum += (row[i] as number) * (weight[at] as number);
      out[o] = sum;
    }
    return out;
  });
}

/** row x matrix [inputs, outputs] */
function project(row: Float64Array, matrix: Float32Array): Float64Array {
  const outputs = matrix.length / row.length;
  return Float64Array.from({ length: outputs }, (_, o) => row.reduce((sum, v, i) => sum + v * matrix[i * outputs + o]!, 0));
}

function norm(x: Rows, weights: ClipWeights, name: string, eps: number): Float64Array[] {
  const [scale, shift] = [values(weights, `${name}.weight`), values(weights, `${name}.bias`)];
  return x.map((row) => {
    const mean = row.reduce((sum, v) => sum + v, 0) / row.length;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / row.length;
    return row.map((v, i) => ((v - mean) / Math.sqrt(variance + eps)) * scale[i]! + shift[i]!);
  });
}

function attention(qkv: Rows, width: number, heads: number, causal: boolean): Float64Array[] {
  const depth = width / heads;
  return qkv.map((query, row) => {
    const out = new Float64Array(width);
    const keys = causal ? qkv.slice(0, row + 1) : qkv;
    for (let head = 0; head < heads; head += 1) {
      const at = head * depth;
      const scores = keys.map((key) => {
        let sum = 0;
        for (let i = at; i < at + depth; i += 1) sum += query[i]! * key[width + i]!;
        return sum / Math.sqrt(depth);
      });
      const largest = Math.max(...scores);
      const shares = scores.map((score) => Math.exp(score - largest));
      const total = shares.reduce((sum, share) => sum + share, 0);
      for (const [j, key] of keys.entries())
        for (let i = at; i < at + depth; i += 1) out[i]! += (shares[j]! / total) * key[2 * width + i]!;
    }
    return out;
  });
}

const plus = (a: Rows, b: Rows): Float64Array[] => a.map((row, r) => row.map((v, i) => v + (b[r]?.[i] ?? Number.NaN)));

/** Abramowitz and Stegun's series is too coarse: the error function as a Taylor series, or 1 far out. */
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [term, sum] = [x, x];
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum) && n < 200; n += 1) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const ACTIVATIONS = {
  quick_gelu: (x: number): number => x / (1 + Math.exp(-1.702 * x)),
  gelu: (x: number): number => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x: number): number => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
};

function blocks(
  input: Rows,
  weights: ClipWeights,
  tower: string,
  config: TowerConfig,
  { causal, hook }: { readonly causal: boolean; readonly hook?: ReferenceHook | undefined },
): Rows {
  let x = input;
  for (let layer = 0; layer < config.layers; layer += 1) {
    if (hook) x = hook(x, layer);
    const name = `${tower}.resblocks.${layer}`;
    const dense = (rows: Rows, part: string, separator = '.') =>
      linear(rows, values(weights, `${name}.${part}${separator}weight`), values(weights, `${name}.${part}${separator}bias`));
    const qkv = dense(norm(x, weights, `${name}.ln_1`, config.eps), 'attn.in_proj', '_');
    x = plus(x, dense(attention(qkv, config.width, config.heads, causal), 'attn.out_proj'));
    const hidden = dense(norm(x, weights, `${name}.ln_2`, config.eps), 'mlp.c_fc');
    x = plus(
      x,
      dense(
        hidden.map((row) => row.map(ACTIVATIONS[config.activation])),
        'mlp.c_proj',
      ),
    );
  }
  return x;
}

export type ReferenceOptions = {
  readonly hook?: ReferenceHook;
  /** Rows after the patches, before the first norm. */
  readonly append?: Rows;
};

/** Features of one normalised image [3, size, size]. */
export function imageReference(
  { image: config }: ClipConfig,
  weights: ClipWeights,
  pixels: ArrayLike<number>,
  { hook, append = [] }: ReferenceOptions = {},
): Float64Array {
  const { size, patch, eps, width } = config;
  const side = size / patch;
  const windows = Array.from({ length: side * side }, (_, place) => {
    const [top, left] = [Math.floor(place / side) * patch, (place % side) * patch];
    const at = (i: number): number => {
      const [channel, y, x] = [Math.floor(i / patch ** 2), Math.floor(i / patch) % patch, i % patch];
      return pixels[(channel * size + top + y) * size + left + x] ?? Number.NaN;
    };
    return Float64Array.from({ length: 3 * patch * patch }, (_unused, i) => at(i));
  });
  const patches = linear(windows, values(weights, 'visual.conv1.weight'), undefined);
  const tokens = [Float64Array.from(values(weights, 'visual.class_embedding')), ...patches];
  const placed = withPositions(tokens, values(weights, 'visual.positional_embedding'), width);
  const normed = norm([...placed, ...append], weights, 'visual.ln_pre', eps);
  const [first] = blocks(normed, weights, 'visual.transformer', config, { causal: false, hook });
  const [last] = norm(first ? [first] : [], weights, 'visual.ln_post', eps);
  return project(last ?? new Float64Array(), values(weights, 'visual.proj'));
}

/** Features of one text: ids, or rows of embeddings without positions; `end` is the row they are read from. */
export function textReference(
  { text: config }: ClipConfig,
  weights: ClipWeights,
  text: readonly number[] | Rows,
  end: number,
  { hook }: ReferenceOptions = {},
): Float64Array {
  const { width, eps } = config;
  const table = values(weights, 'token_embedding.weight');
  const rows = text.map((row) =>
    typeof row === 'number' ? Float64Array.from(table.subarray(row * width, (row + 1) * width)) : row,
  );
  const placed = withPositions(rows, values(weights, 'positional_embedding'), width);
  const hidden = blocks(placed, weights, 'transformer', config, { causal: true, hook })[end];
  const [last] = norm(hidden ? [hidden] : [], weights, 'ln_final', eps);
  return project(last ?? new Float64Array(), values(weights, 'text_projection'));
}

function withPositions(rows: Rows, positions: Float32Array, width: number): Float64Array[] {
  return rows.map((row, place) => row.map((v, i) => v + (positions[place * width + i] ?? Number.NaN)));
}
