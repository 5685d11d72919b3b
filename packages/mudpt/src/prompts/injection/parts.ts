/** Layers of injection modules with PyTorch's initial values (nn.Linear, nn.MultiheadAttention, nn.LayerNorm), which the released code keeps. */
import { feedForward, type InitOptions, LayerNorm, Linear, MultiHeadAttention, parameter } from '@mudpt/autograd';
import { type Activation, type Tensor, tensor } from '@mudpt/tensor';

export type PartOptions = Required<Pick<InitOptions, 'device' | 'random'>>;

/** The options of an injection that its layers need. */
const initOf = ({ device, random }: PartOptions): PartOptions => ({ device, random });

const QUICK_GELU: Activation = 'quickGelu';
/** Heads are 64 wide, as CLIP's. */
const HEAD_WIDTH = 64;

/** width / 64, or the next smaller number that divides the width. */
export function headsOf(width: number): number {
  let heads = Math.max(1, Math.floor(width / HEAD_WIDTH));
  while (width % heads !== 0) heads -= 1;
  return heads;
}

function zeroVector(width: number, { device }: PartOptions): Tensor {
  return parameter(tensor(new Float32Array(width), { device }));
}

/** Xavier's uniform distribution over a matrix [outputs, inputs]; biases 0. `fan` is the number of outputs in the bound. */
export function xavier(inputs: number, outputs: number, options: PartOptions, fan = outputs): Linear {
  const bound = Math.sqrt(6 / (inputs + fan));
  const values = Float32Array.from({ length: inputs * outputs }, () => (2 * options.random() - 1) * bound);
  const weight = parameter(tensor(values, { shape: [outputs, inputs], device: options.device }));
  return new Linear(inputs, outputs, { weight, bias: zeroVector(outputs, options) });
}

/** Linear whose bias begins at 0: attention's output projection. */
export function outProjection(width: number, options: PartOptions): Linear {
  const bare = new Linear(width, width, { ...initOf(options), bias: false });
  return new Linear(width, width, { weight: bare.weight, bias: zeroVector(width, options) });
}

/** Self-attention as nn.MultiheadAttention begins: Xavier over the fused [3 width, width], biases 0. */
export function selfAttention(width: number, options: PartOptions): MultiHeadAttention {
  return new MultiHeadAttention(width, headsOf(width), {
    qkv: xavier(width, 3 * width, options),
    out: outProjection(width, options),
  });
}

/** The last linear of an injection, or one that begins at zero. */
export function lastLinear(inputs: number, outputs: number, options: PartOptions & { readonly zeroInit: boolean }): Linear {
  if (!options.zeroInit) return new Linear(inputs, outputs, initOf(options));
  const weight = parameter(tensor(new Float32Array(inputs * outputs), { shape: [outputs, inputs], device: options.device }));
  return new Linear(inputs, outputs, { weight, bias: zeroVector(outputs, options) });
}

export function norm(width: number, { device }: PartOptions): LayerNorm {
  return new LayerNorm(width, { device });
}

/** width to 4 width to width with QuickGELU between. */
export class FeedForward {
  readonly up: Linear;
  readonly down: Linear;

  constructor(width: number, options: PartOptions) {
    this.up = new Linear(width, 4 * width, initOf(options));
    this.down = new Linear(4 * width, width, initOf(options));
  }

  /** @param residual added to the result */
  forward(x: Tensor, residual: Tensor): Tensor {
    return feedForward(x, this.up.weights, this.down.weights, { activation: QUICK_GELU, residual });
  }
}

/** Weight and bias under a common name. */
export function named(
  name: string,
  { weight, bias }: { readonly weight: Tensor; readonly bias: Tensor | undefined },
): [string, Tensor][] {
  return [[`${name}.weight`, weight], ...(bias ? [[`${name}.bias`, bias] as [string, Tensor]] : [])];
}

/** Attention and feed-forward by the names of CLIP's blocks. */
export function namedBlock(
  name: string,
  parts: {
    readonly attention: MultiHeadAttention;
    readonly norm1: LayerNorm;
    readonly norm2: LayerNorm;
    readonly feedForward: FeedForward;
  },
): [string, Tensor][] {
  const { qkv, out } = parts.attention;
  return [
    [`${name}.attn.in_proj_weight`, qkv.weight],
    ...(qkv.bias ? [[`${name}.attn.in_proj_bias`, qkv.bias] as [string, Tensor]] : []),
    ...named(`${name}.attn.out_proj`, out),
    ...named(`${name}.ln_1`, parts.norm1),
    ...named(`${name}.mlp.c_fc`, parts.feedForward.up),
    ...named(`${name}.mlp.c_proj`, parts.feedForward.down),
    ...named(`${name}.ln_2`, parts.norm2),
  ];
}
