/** From the name of a golden operation and its options to calls of the tensor API. */
import type { Tensor } from '@mudpt/tensor';
import { t } from './engine.ts';
import type { GoldenCase } from './golden.ts';
import { Options, Unsupported } from './options.ts';

/** The inputs of a case on the device, by argument name. */
export class Inputs {
  private readonly asked = new Set<string>();
  constructor(private readonly tensors: ReadonlyMap<string, Tensor>) {}

  get(name: string): Tensor {
    const tensor = this.optional(name);
    if (tensor === undefined) throw new Unsupported(`the case has no input ${name}`);
    return tensor;
  }

  optional(name: string): Tensor | undefined {
    this.asked.add(name);
    return this.tensors.get(name);
  }

  all(): Tensor[] {
    for (const name of this.tensors.keys()) this.asked.add(name);
    return [...this.tensors.values()];
  }

  unread(): string[] {
    return [...this.tensors.keys()].filter((name) => !this.asked.has(name));
  }
}

type Forward = (inputs: Inputs, options: Options, golden: GoldenCase) => Tensor;

/** Runs the forward pass of one case. @throws Unsupported for an operation, option or input this table does not know */
export function forward(op: string, inputs: Inputs, golden: GoldenCase): Tensor {
  const run = Object.hasOwn(FORWARD, op) ? FORWARD[op] : undefined;
  if (run === undefined) throw new Unsupported(`the operation ${op} is not known`);
  const options = new Options(golden.options);
  const out = run(inputs, options, golden);
  const unread = [...options.unread().map((name) => `option ${name}`), ...inputs.unread().map((name) => `input ${name}`)];
  if (unread.length > 0) throw new Unsupported(`${unread.join(', ')} of ${op} is not known`);
  return out;
}

/** Calls the function that the option `function` names, if it is one of `names`. */
function named<K extends keyof typeof t>(options: Options, names: Readonly<Record<string, K>>): (typeof t)[K] {
  const name = options.text('function');
  const key = Object.hasOwn(names, name) ? names[name] : undefined;
  if (key === undefined) throw new Unsupported(`function ${JSON.stringify(name)}`);
  return t[key];
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

const unary: Forward = (inputs, options) => named(options, UNARY)(inputs.get('x'));

const FORWARD: Readonly<Record<string, Forward>> = {
  unary,
  gelu: unary,
  quick_gelu: unary,

  broadcast: (inputs, options) =>
    named(options, { add: 'add', sub: 'sub', mul: 'mul', div: 'div' } as const)(inputs.get('a'), inputs.get('b')),

  reduce: (inputs, options) =>
    named(options, { sum: 'sum', mean: 'mean', max: 'max' } as const)(
      inputs.get('x'),
      options.numbers('axes'),
      options.flag('keepdim', false),
    ),

  softmax: (inputs, options) => t.softmax(inputs.get('x'), options.number('axis')),
  log_softmax: (inputs, options) => t.logSoftmax(inputs.get('x'), options.number('axis')),
  l2_normalize: (inputs, options) => t.l2Normalize(inputs.get('x'), options.number('axis'), options.number('eps')),
  layer_norm: (inputs, options) => t.layerNorm(inputs.get('x'), inputs.get('weight'), inputs.get('bias'), options.number('eps')),

  matmul: (inputs, options) =>
    t.matmul(inputs.get('a'), inputs.get('b'), {
      transposeA: options.flag('transpose_a'),
      transposeB: options.flag('transpose_b'),
    }),

  linear: (inputs, options) => {
    options.only('rule', 'x @ weight^T + bias');
    return t.linear(inputs.get('x'), inputs.get('weight'), options.flag('bias') ? inputs.get('bias') : undefined);
  },

  conv2d_patchify: (inputs, options) =>
    t.conv2d(inputs.get('x'), inputs.get('weight'), {
      stride: options.number('stride'),
      bias: options.flag('bias') ? inputs.get('bias') : undefined,
    }),

  embedding: (inputs) => t.embedding(inputs.get('weight'), inputs.get('ids')),

  gather_rows: (inputs, options) => {
    const x = inputs.get('x');
    const index = inputs.get('index');
    const rule = options.text('rule');
    if (rule === 'out[k] = x[index[k]]') return t.indexSelect(x, 0, index);
    if (rule === 'out[n] = x[n, index[n]]') return rowOfEach(x, index);
    throw new Unsupported(`rule ${rule}`);
  },

  concat_slice: (inputs, options, golden) => rearrange(inputs, options, golden),

  cross_entropy: (inputs, options) => {
    const reduction = options.text('reduction');
    if (reduction !== 'mean' && reduction !== 'sum') throw new Unsupported(`reduction ${reduction}`);
    return t.crossEntropy(inputs.get('x'), inputs.get('label'), { reduction });
  },

  l1_loss: (inputs, options) => {
    options.only('reduction', 'mean');
    return meanOfAll(t.abs(t.sub(inputs.get('x'), inputs.get('target'))));
  },

  kl_div: (inputs, options) => {
    options.only('rule', 'PromptSRC: sum q (log q - log p) / (B C), x = prompted logits, target = zero-shot logits');
    const logP = t.logSoftmax(inputs.get('x'), -1);
    const logQ = t.logSoftmax(inputs.get('target'), -1);
    return meanOfAll(t.mul(t.exp(logQ), t.sub(logQ, logP)));
  },

  attention: (inputs, options) => {
    options.only('layout', 'B,H,S,D');
    options.only('scale', '1/sqrt(D)');
    const [q, k, v] = ['q', 'k', 'v'].map((name) => swapMiddle(inputs.get(name))) as [Tensor, Tensor, Tensor];
    return swapMiddle(t.attention(q, k, v, { causal: options.flag('causal') }));
  },

  multi_head_attention_layer: (inputs, options) => {
    options.only('layout', 'x: B,S,E; in_proj rows q,k,v');
    return multiHeadAttention(inputs.get('x'), inputs, '', options);
  },

  clip_block: (inputs, options) => {
    const eps = options.number('eps');
    const normed = (x: Tensor, layer: string) => t.layerNorm(x, inputs.get(`${layer}.weight`), inputs.get(`${layer}.bias`), eps);
    const projected = (x: Tensor, layer: string) => t.linear(x, inputs.get(`${layer}.weight`), inputs.get(`${layer}.bias`));
    const x = inputs.get('x');
    const attended = t.add(x, multiHeadAttention(normed(x, 'ln_1'), inputs, 'attn.', options));
    const hidden = projected(normed(attended, 'ln_2'), 'mlp.c_fc');
    const activation = options.text('activation');
    if (activation !== 'quick_gelu' && activation !== 'gelu') throw new Unsupported(`activation ${activation}`);
    return t.add(attended, projected(activation === 'gelu' ? t.gelu(hidden) : t.quickGelu(hidden), 'mlp.c_proj'));
  },
};

function meanOfAll(x: Tensor): Tensor {
  return t.mean(
    x,
    x.shape.map((_, axis) => axis),
  );
}

/** [B, H, S, D] to [B, S, H, D] and back. */
function swapMiddle(x: Tensor): Tensor {
  return t.permute(x, [0, 2, 1, 3]);
}

/** Self-attention with a packed projection: rows q, k, v of `in_proj_weight` [3E, E]. x [B, S, E] to [B, S, E]. */
function multiHeadAttention(x: Tensor, inputs: Inputs, prefix: string, options: Options): Tensor {
  const [batch = 0, length = 0, width = 0] = x.shape;
  const heads = options.number('heads');
  const packed = t.linear(x, inputs.get(`${prefix}in_proj_weight`), inputs.get(`${prefix}in_proj_bias`));
  const split = t.reshape(packed, [batch, length, 3, heads, width / heads]);
  const part = (index: number) => t.reshape(t.slice(split, 2, index, index + 1), [batch, length, heads, width / heads]);
  const attended = t.attention(part(0), part(1), part(2), { causal: options.flag('causal') });
  return t.linear(
    t.reshape(attended, [batch, length, width]),
    inputs.get(`${prefix}out_proj.weight`),
    inputs.get(`${prefix}out_proj.bias`),
  );
}

/** out[n] = x[n, index[n]]; x [N, T, ...], index [N]. */
function rowOfEach(x: Tensor, index: Tensor): Tensor {
  const [count = 0, , ...rest] = x.shape;
  const ones = rest.map(() => 1);
  const picked = t.gather(x, 1, t.expand(t.reshape(index, [count, 1, ...ones]), [count, 1, ...rest]));
  return t.reshape(picked, [count, ...rest]);
}

/** Concatenation, slices, permutations, expansion, and the replacement of prompt rows. */
function rearrange(inputs: Inputs, options: Options, golden: GoldenCase): Tensor {
  const name = options.text('function');
  if (name === 'concat') return t.cat(inputs.all(), options.number('axis'));
  const x = inputs.get('x');
  switch (name) {
    case 'permute':
      return t.permute(x, options.numbers('permutation'));
    case 'expand':
      return t.expand(x, outputShape(golden));
    case 'slice':
      return sliceNamed(x, golden.name);
    case 'rows 1..n replaced by p in every sequence':
      return withRows(x, inputs.get('p'), 1, options.number('n'));
    case 'last n rows replaced by p in every sequence':
      return withRows(x, inputs.get('p'), (x.shape[1] ?? 0) - options.number('n'), options.number('n'));
    default:
      throw new Unsupported(`function ${JSON.stringify(name)}`);
  }
}

/** The shape asked for is that of the cotangent, which is given to the case, not computed by it. */
function outputShape(golden: GoldenCase): readonly number[] {
  const shape = golden.tensors.get('cot')?.shape;
  if (shape === undefined) throw new Unsupported('a case without a cotangent does not tell its output shape');
  return shape;
}

/** x [B, S, E] with rows start .. start + count replaced by p [count, E]. */
function withRows(x: Tensor, p: Tensor, start: number, count: number): Tensor {
  const [batch = 0, length = 0] = x.shape;
  const parts = [
    t.slice(x, 1, 0, start),
    t.expand(t.reshape(p, [1, ...p.shape]), [batch, ...p.shape]),
    t.slice(x, 1, start + count, length),
  ];
  return t.cat(
    parts.filter((part) => part.size > 0),
    1,
  );
}

/**
 * What is cut stands only in the case's name: `slice_rows2to6` (rows are the last axis but one), `slice_0axis1to3_2axis0to3`
 * (axis 0 from 1 to 3, axis 2 from 0 to 3), `slice_rows_step2`.
 */
function sliceNamed(x: Tensor, name: string): Tensor {
  const words = name.startsWith('slice_') ? name.slice('slice_'.length) : '';
  const part = /^(?:(\d+)axis|rows)(?:(\d+)to(\d+))?(?:_?step(\d+))?(?:_|$)/;
  let out = x;
  let rest = words;
  while (rest !== '') {
    const match = part.exec(rest);
    if (match === null) throw new Unsupported(`a slice named ${name}`);
    const axis = match[1] === undefined ? x.rank - 2 : Number(match[1]);
    out = t.slice(out, axis, Number(match[2] ?? 0), Number(match[3] ?? out.shape[axis]), Number(match[4] ?? 1));
    rest = rest.slice(match[0].length);
  }
  if (out === x) throw new Unsupported(`a slice named ${name}`);
  return out;
}
