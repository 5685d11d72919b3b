/** The oracles against PyTorch: outputs and gradients of every golden case to 1e-6, plus the rounding PyTorch itself measured. */
import { describe, expect, it } from 'vitest';
import { type Ref, expand, permute, reshape, slice } from './array.ts';
import { attention, attentionBackward } from './attention.ts';
import { expectNormClose } from './compare.ts';
import { conv2d, conv2dVjp } from './conv.ts';
import { type GoldenCase, readGoldens } from './goldens.ts';
import { directionalDerivative, inner, matmulVjp, numericGradient } from './gradients.ts';
import { cat, gather, indexSelect } from './indexing.ts';
import { random } from './inputs.ts';
import { matmul } from './matmul.ts';
import {
  crossEntropy,
  crossEntropyVjp,
  embedding,
  embeddingVjp,
  l2Normalize,
  l2NormalizeVjp,
  layerNorm,
  layerNormVjp,
  linear,
  linearVjp,
  logSoftmax,
  logSoftmaxVjp,
  softmax,
  softmaxVjp,
} from './nn.ts';
import { type BinaryName, binary, type DifferentiableName, unary, unaryVjp } from './pointwise.ts';
import { max, mean, sum } from './reduce.ts';

type Inputs = Record<string, Ref>;
type Options = Record<string, unknown>;
/** `vjp` is absent where the gradient is taken by central differences of `forward`. */
type Runner = {
  forward: (inputs: Inputs, golden: GoldenCase) => Ref;
  vjp?: (inputs: Inputs, golden: GoldenCase) => Record<string, Ref>;
};

const names: Record<string, DifferentiableName> = { gelu_erf: 'gelu', gelu_tanh: 'geluTanh', quick_gelu: 'quickGelu' };
const unaryName = (options: Options): DifferentiableName => {
  const name = options.function as string;
  return names[name] ?? (name as DifferentiableName);
};
const pointwise: Runner = {
  forward: ({ x }, { options }) => unary(unaryName(options), x!),
  vjp: ({ x }, { options, cotangent }) => ({ x: unaryVjp(unaryName(options), x!, cotangent) }),
};
const transposes = (options: Options): { transposeA: boolean; transposeB: boolean } => ({
  transposeA: options.transpose_a === true,
  transposeB: options.transpose_b === true,
});
const reducers = { sum, mean, max };
const byHeads = (x: Ref): Ref => permute(x, [0, 2, 1, 3]);

/** The cases of concat_slice that say what they do by name only. */
const slices: Record<string, (inputs: Inputs) => Ref> = {
  slice_rows2to6: ({ x }) => slice(x!, [null, { start: 2, stop: 6 }]),
  slice_0axis1to3_2axis0to3: ({ x }) => slice(x!, [{ start: 1, stop: 3 }, null, { stop: 3 }]),
  slice_rows_step2: ({ x }) => slice(x!, [null, { step: 2 }]),
  replace_prompt_rows_text: ({ x, p }) =>
    cat([slice(x!, [null, { stop: 1 }]), expand(reshape(p!, [1, 2, 5]), [4, 2, 5]), slice(x!, [null, { start: 3 }])], 1),
  replace_prompt_rows_vision: ({ x, p }) => cat([slice(x!, [null, { stop: -2 }]), expand(reshape(p!, [1, 2, 5]), [4, 2, 5])], 1),
  expand_0to3: ({ x }) => expand(x!, [3, -1, -1]),
};

function multiHeadAttention(inputs: Inputs, { options }: GoldenCase): Ref {
  const [batch, length, width] = inputs.x!.shape as [number, number, number];
  const heads = options.heads as number;
  const fused = linear(inputs.x!, inputs.in_proj_weight!, { bias: inputs.in_proj_bias! }).out;
  const third = (part: number): Ref =>
    reshape(slice(fused, [null, null, { start: part * width, stop: (part + 1) * width }]), [batch, length, heads, width / heads]);
  const { out } = attention(third(0), third(1), third(2), { causal: options.causal === true });
  return linear(reshape(out, [batch, length, width]), inputs['out_proj.weight']!, { bias: inputs['out_proj.bias']! }).out;
}

const runners: Record<string, Runner> = {
  unary: pointwise,
  gelu: pointwise,
  quick_gelu: pointwise,
  broadcast: { forward: ({ a, b }, { options }) => binary(options.function as BinaryName, a!, b!) },
  reduce: {
    forward: ({ x }, { options }) =>
      reducers[options.function as keyof typeof reducers](x!, {
        axes: options.axes as number[],
        keepdim: options.keepdim === true,
      }),
  },
  matmul: {
    forward: ({ a, b }, { options }) => matmul(a!, b!, transposes(options)),
    vjp: ({ a, b }, { options, cotangent }) => matmulVjp(a!, b!, cotangent, transposes(options)),
  },
  linear: {
    forward: ({ x, weight, bias }) => linear(x!, weight!, { bias }).out,
    vjp: ({ x, weight, bias }, { cotangent }) => linearVjp(x!, weight!, cotangent, { bias }),
  },
  softmax: {
    forward: ({ x }, { options }) => softmax(x!, options.axis as number),
    vjp: ({ x }, { options, cotangent }) => ({ x: softmaxVjp(x!, cotangent, options.axis as number) }),
  },
  log_softmax: {
    forward: ({ x }, { options }) => logSoftmax(x!, options.axis as number),
    vjp: ({ x }, { options, cotangent }) => ({ x: logSoftmaxVjp(x!, cotangent, options.axis as number) }),
  },
  layer_norm: {
    forward: ({ x, weight, bias }, { options }) => layerNorm(x!, { weight, bias, eps: options.eps as number }).out,
    vjp: ({ x, weight }, { options, cotangent }) => layerNormVjp(x!, cotangent, { weight, eps: options.eps as number }),
  },
  l2_normalize: {
    forward: ({ x }, { options }) => l2Normalize(x!, options.axis as number, options.eps as number),
    vjp: ({ x }, { options, cotangent }) => ({ x: l2NormalizeVjp(x!, cotangent, options.axis as number, options.eps as number) }),
  },
  cross_entropy: {
    forward: ({ x, label }, { options }) => crossEntropy(x!, label!, { reduction: options.reduction as 'mean' | 'sum' }),
    vjp: ({ x, label }, { options, cotangent }) => ({
      x: crossEntropyVjp(x!, label!, cotangent, { reduction: options.reduction as 'mean' | 'sum' }),
    }),
  },
  embedding: {
    forward: ({ weight, ids }) => embedding(weight!, ids!),
    vjp: ({ weight, ids }, { cotangent }) => ({ weight: embeddingVjp(weight!.shape[0]!, ids!, cotangent) }),
  },
  gather_rows: {
    forward: ({ x, index }, { name }) => {
      if (name !== 'eot_rows') return indexSelect(x!, 0, index!);
      const [batch, , width] = x!.shape as [number, number, number];
      const rows = expand(reshape(index!, [batch, 1, 1]), [batch, 1, width]);
      return reshape(gather(x!, 1, rows), [batch, width]);
    },
  },
  concat_slice: {
    forward: (inputs, { name, options }) => {
      if (options.function === 'concat') return cat(Object.values(inputs), options.axis as number);
      if (options.function === 'permute') return permute(inputs.x!, options.permutation as number[]);
      return slices[name]!(inputs);
    },
  },
  conv2d_patchify: {
    forward: ({ x, weight }, { options }) => conv2d(x!, weight!, { stride: options.stride as number }),
    vjp: ({ x, weight }, { options, cotangent }) => conv2dVjp(x!, weight!, cotangent, { stride: options.stride as number }),
  },
  attention: {
    forward: ({ q, k, v }, { options }) =>
      byHeads(attention(byHeads(q!), byHeads(k!), byHeads(v!), { causal: options.causal === true }).out),
    vjp: ({ q, k, v }, { options, cotangent }) => {
      const grad = attentionBackward(byHeads(q!), byHeads(k!), byHeads(v!), byHeads(cotangent), {
        causal: options.causal === true,
      });
      return { q: byHeads(grad.q), k: byHeads(grad.k), v: byHeads(grad.v) };
    },
  },
  multi_head_attention_layer: { forward: multiHeadAttention },
};

/** 1e-6 of the expected norm, or the norm of PyTorch's own rounding error where that is larger. */
function limit(expected: Ref, rounding: number): number {
  const size = Math.sqrt(expected.data.reduce((total, value) => total + (Number.isFinite(value) ? value * value : 0), 0));
  return 1e-6 + (rounding * Math.sqrt(expected.data.length)) / (size || 1);
}

describe.each(Object.keys(runners))('PyTorch goldens: %s', (op) => {
  const { forward, vjp } = runners[op]!;
  const cases = readGoldens(op);

  it.each(cases)('$name', (golden) => {
    expectNormClose(forward(golden.inputs, golden), golden.out, limit(golden.out, golden.roundingError.out!), 'out');
    const wanted = Object.keys(golden.gradients);
    expect(wanted.length).toBeGreaterThan(0);
    if (vjp) {
      const gradients = vjp(golden.inputs, golden);
      for (const name of wanted)
        expectNormClose(
          gradients[name]!,
          golden.gradients[name]!,
          limit(golden.gradients[name]!, golden.roundingError[`grad.${name}`]!),
          name,
        );
      return;
    }
    const moving = wanted.map((name) => golden.inputs[name]!);
    const fn = (...moved: Ref[]): Ref =>
      forward({ ...golden.inputs, ...Object.fromEntries(wanted.map((name, i) => [name, moved[i]!])) }, golden);
    if (moving.every(({ data }) => data.length <= 200)) {
      numericGradient(fn, moving, golden.cotangent).forEach((gradient, i) => {
        const name = wanted[i]!;
        expectNormClose(
          gradient,
          golden.gradients[name]!,
          limit(golden.gradients[name]!, golden.roundingError[`grad.${name}`]!),
          name,
        );
      });
      return;
    }
    // Many elements: along three random directions instead of along every axis, one input at a time.
    wanted.forEach((name, which) => {
      for (const seed of [1, 2, 3]) {
        const directions = moving.map(({ shape }, i) => random(shape, i === which ? seed : 0, { scale: i === which ? 1 : 0 }));
        const expected = inner(golden.gradients[name]!, directions[which]!);
        const scale = Math.sqrt(inner(golden.gradients[name]!, golden.gradients[name]!));
        const difference = directionalDerivative(fn, moving, directions, golden.cotangent) - expected;
        expect(Math.abs(difference), `${name}, direction ${seed}`).toBeLessThan(1e-6 * (scale + Math.abs(expected)) + 1e-7);
      }
    });
  });
});
