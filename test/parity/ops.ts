/** From the name of a golden operation and its options to calls of the tensor API. */
import type { Tensor } from '@mudpt/tensor';
import type { Operations } from './engine.ts';
import type { GoldenCase } from './golden.ts';
import type { Inputs } from './inputs.ts';
import { Options, Unsupported } from './options.ts';
import { rearrange } from './rearrange.ts';

type Forward = (t: Operations, inputs: Inputs, options: Options, golden: GoldenCase) => Tensor;

/** Runs the forward pass of one case. @throws Unsupported for an operation, option or input this table does not know */
export function forward(t: Operations, op: string, inputs: Inputs, golden: GoldenCase): Tensor {
  const run = Object.hasOwn(FORWARD, op) ? FORWARD[op] : undefined;
  if (run === undefined) throw new Unsupported(`the operation ${op} is not known`);
  const options = new Options(golden.options);
  const out = run(t, inputs, options, golden);
  const unread = [...options.unread().map((name) => `option ${name}`), ...inputs.unread().map((name) => `input ${name}`)];
  if (unread.length > 0) throw new Unsupported(`${unread.join(', ')} of ${op} is not known`);
  return out;
}

/** The operation of the engine that the option `function` means. */
function named<K extends keyof Operations>(options: Options, names: Readonly<Record<string, K>>): K {
  const name = options.text('function');
  const key = Object.hasOwn(names, name) ? names[name] : undefined;
  if (key === undefined) throw new Unsupported(`function ${JSON.stringify(name)}`);
  return key;
}

const UNARY = {
  relu: 'relu',
  sigmoid: 'sigmoid',
  tanh: 'tanh',
  exp: 'exp',
  log: 'log',
  sqrt: 'sqrt',
  rsqrt: 'rsqrt',
  abs: 'abs',
  square: 'square',
  neg: 'neg',
  reciprocal: 'reciprocal',
  gelu: 'gelu',
  gelu_erf: 'gelu',
  gelu_tanh: 'geluTanh',
  quick_gelu: 'quickGelu',
} as const;
const BINARY = { add: 'add', sub: 'sub', mul: 'mul', div: 'div' } as const;
const REDUCTIONS = { sum: 'sum', mean: 'mean', max: 'max' } as const;

const unary: Forward = (t, inputs, options) => t[named(options, UNARY)](inputs.get('x'));

const FORWARD: Readonly<Record<string, Forward>> = {
  unary,
  gelu: unary,
  quick_gelu: unary,
  broadcast: (t, inputs, options) => t[named(options, BINARY)](inputs.get('a'), inputs.get('b')),
  reduce: (t, inputs, options) =>
    t[named(options, REDUCTIONS)](inputs.get('x'), options.numbers('axes'), { keepdim: options.flag('keepdim', false) }),
  concat_slice: rearrange,

  softmax: (t, inputs, options) => t.softmax(inputs.get('x'), options.number('axis')),
  log_softmax: (t, inputs, options) => t.logSoftmax(inputs.get('x'), options.number('axis')),
  l2_normalize: (t, inputs, options) => t.l2Normalize(inputs.get('x'), options.number('axis'), options.number('eps')),
  layer_norm: (t, inputs, options) =>
    t.layerNorm(inputs.get('x'), inputs.get('weight'), inputs.get('bias'), options.number('eps')),

  matmul: (t, inputs, options) =>
    t.matmul(inputs.get('a'), inputs.get('b'), {
      transposeA: options.flag('transpose_a'),
      transposeB: options.flag('transpose_b'),
    }),
  linear: (t, inputs, options) => {
    options.only('rule', 'x @ weight^T + bias');
    return t.linear(inputs.get('x'), inputs.get('weight'), optionalBias(inputs, options));
  },
  conv2d_patchify: (t, inputs, options) =>
    t.conv2d(inputs.get('x'), inputs.get('weight'), optionalBias(inputs, options), { stride: options.number('stride') }),

  embedding: (t, inputs) => t.embedding(inputs.get('weight'), inputs.get('ids')),
  gather_rows: (t, inputs, options) => {
    const x = inputs.get('x');
    const index = inputs.get('index');
    const rule = options.text('rule');
    if (rule === 'out[k] = x[index[k]]') return t.indexSelect(x, 0, index);
    if (rule === 'out[n] = x[n, index[n]]') return rowOfEach(t, x, index);
    throw new Unsupported(`rule ${rule}`);
  },

  cross_entropy: (t, inputs, options) => t.crossEntropy(inputs.get('x'), inputs.get('label'), { reduction: meanOrSum(options) }),
  l1_loss: (t, inputs, options) => t.l1Loss(inputs.get('x'), inputs.get('target'), { reduction: meanOrSum(options) }),
  kl_div: (t, inputs, options) => {
    options.only('rule', 'PromptSRC: sum q (log q - log p) / (B C), x = prompted logits, target = zero-shot logits');
    return t.klDiv(inputs.get('x'), inputs.get('target'), { reduction: 'mean' });
  },

  attention: (t, inputs, options) => {
    options.only('layout', 'B,H,S,D');
    options.only('scale', '1/sqrt(D)');
    const rows = (name: string) => swapMiddle(t, inputs.get(name));
    return swapMiddle(t, t.attention(rows('q'), rows('k'), rows('v'), { causal: options.flag('causal') }));
  },
  multi_head_attention_layer: (t, inputs, options) => {
    options.only('layout', 'x: B,S,E; in_proj rows q,k,v');
    return multiHeadAttention(t, inputs.get('x'), inputs, '', options);
  },
  clip_block: (t, inputs, options) => {
    const eps = options.number('eps');
    const normed = (x: Tensor, layer: string) => t.layerNorm(x, inputs.get(`${layer}.weight`), inputs.get(`${layer}.bias`), eps);
    const x = inputs.get('x');
    const attended = t.add(x, multiHeadAttention(t, normed(x, 'ln_1'), inputs, 'attn.', options));
    const hidden = projected(t, normed(attended, 'ln_2'), inputs, 'mlp.c_fc');
    const activation = options.text('activation');
    if (activation !== 'quick_gelu' && activation !== 'gelu') throw new Unsupported(`activation ${activation}`);
    const active = activation === 'gelu' ? t.gelu(hidden) : t.quickGelu(hidden);
    return t.add(attended, projected(t, active, inputs, 'mlp.c_proj'));
  },
};

function optionalBias(inputs: Inputs, options: Options): Tensor | undefined {
  return options.flag('bias') ? inputs.get('bias') : undefined;
}

function meanOrSum(options: Options): 'mean' | 'sum' {
  const reduction = options.text('reduction');
  if (reduction !== 'mean' && reduction !== 'sum') throw new Unsupported(`reduction ${reduction}`);
  return reduction;
}

/** [B, H, S, D] to [B, S, H, D] and back. */
function swapMiddle(t: Operations, x: Tensor): Tensor {
  return t.permute(x, [0, 2, 1, 3]);
}

function projected(t: Operations, x: Tensor, inputs: Inputs, layer: string): Tensor {
  return t.linear(x, inputs.get(`${layer}.weight`), inputs.get(`${layer}.bias`));
}

/** Self-attention with a packed projection: rows q, k, v of `in_proj_weight` [3E, E]. x [B, S, E] to [B, S, E]. */
function multiHeadAttention(t: Operations, x: Tensor, inputs: Inputs, prefix: string, options: Options): Tensor {
  const [batch = 0, length = 0, width = 0] = x.shape;
  const heads = options.number('heads');
  const packed = t.linear(x, inputs.get(`${prefix}in_proj_weight`), inputs.get(`${prefix}in_proj_bias`));
  const split = t.reshape(packed, [batch, length, 3, heads, width / heads]);
  const part = (index: number) =>
    t.reshape(t.slice(split, [null, null, { start: index, stop: index + 1 }]), [batch, length, heads, width / heads]);
  const attended = t.attention(part(0), part(1), part(2), { causal: options.flag('causal') });
  return projected(t, t.reshape(attended, [batch, length, width]), inputs, `${prefix}out_proj`);
}

/** out[n] = x[n, index[n]]; x [N, T, ...], index [N]. */
function rowOfEach(t: Operations, x: Tensor, index: Tensor): Tensor {
  const [count = 0, , ...rest] = x.shape;
  const ones = rest.map(() => 1);
  const picked = t.gather(x, 1, t.expand(t.reshape(index, [count, 1, ...ones]), [count, 1, ...rest]));
  return t.reshape(picked, [count, ...rest]);
}
