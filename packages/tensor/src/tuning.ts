/** Tuning problems of every kernel family, in the classes that occur in models. */
import type { Device } from './device.ts';
import type { TuningProblem } from './kernels/tune.ts';
import type { Choice } from './engine/tuner.ts';
import { attentionChoice } from './kernels/attention/plan.ts';
import { reduceChoice } from './kernels/reduce.ts';
import { rowChoice } from './kernels/row-launch.ts';
import { workCandidates } from './kernels/work-per-thread.ts';
import { LimitError } from './errors.ts';
import type { Tensor } from './tensor.ts';
import { nth } from './values.ts';
import { isFlash } from './kernels/attention/flash.ts';
import { attention, attentionBackward, attentionForward } from './ops/attention/attention.ts';
import type { AttentionOptions } from './kernels/attention/options.ts';
import { cast, contiguous } from './ops/views/copy.ts';
import { conv2d, conv2dChoice } from './ops/images/conv2d.ts';
import { full, tensor } from './ops/create/create.ts';
import { crossEntropy } from './ops/losses/cross-entropy.ts';
import { embedding, gather } from './ops/indexing/gather.ts';
import { gemmTuning } from './kernels/gemm/tuning.ts';
import { cat } from './ops/views/join.ts';
import { layerNorm } from './ops/norms/norm.ts';
import { l2Normalize } from './ops/norms/normalize.ts';
import { add, exp } from './pointwise/ops.ts';
import { sum } from './ops/reduce/reduce.ts';
import { softmax } from './ops/norms/softmax.ts';
import { permute } from './ops/views/views.ts';

/** A call of one operation, and what its family lets the tuner choose from for it. */
type Sample = {
  readonly family: string;
  readonly choice: (device: Device) => Choice;
  readonly prepare: (device: Device) => readonly Tensor[];
  readonly run: (inputs: readonly Tensor[]) => Tensor;
  /** Whether CPU adapters choose for it as for another one. */
  readonly isForGpus?: boolean;
};

/** Rows and widths of the four classes of row kernels; 768 is the width of a transformer, 197 its tokens. */
const ROWS = [
  [4, 768],
  [4, 77],
  [788, 768],
  [788, 77],
] as const;

function values(device: Device, shape: readonly number[], seed = 1): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(
    Float32Array.from({ length: count }, (_, i) => ((i * 7919 + seed * 104729) % 257) / 128 - 1),
    { device, shape },
  );
}

function indices(device: Device, shape: readonly number[], extent: number): Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  return tensor(
    Int32Array.from({ length: count }, (_, i) => (i * 31) % extent),
    { device, shape },
  );
}

/** An operation of one float tensor. */
function unary(family: string, shape: readonly number[], choice: Sample['choice'], run: (x: Tensor) => Tensor): Sample {
  return { family, choice, prepare: (device) => [values(device, shape)], run: (inputs) => run(nth(inputs, 0)) };
}

/** The class and the variants of an elementwise family, for a layout. */
function work(key: string): Sample['choice'] {
  return (device) => ({ key, candidates: workCandidates(device) });
}

/** A sum over an axis of a contiguous matrix. */
function sumOf(rows: number, columns: number, axis: 0 | 1): Sample {
  const layout =
    axis === 1
      ? { outputs: rows, length: columns, stride: 1, strides: [columns] }
      : { outputs: columns, length: rows, stride: columns, strides: [1] };
  return unary(
    'reduce',
    [rows, columns],
    (device) => reduceChoice(device, layout),
    (x) => sum(x, axis),
  );
}

/** Attention and its backward passes. @param batch as many images as fill a GPU; CPU adapters take the least */
function attentionOf(tokens: number, depth: number, batch: number): Sample[] {
  const extent = { depth, queries: tokens, packed: false };
  const shapeOf = ({ adapter }: Device): readonly number[] => [adapter.kind === 'gpu' ? 3 * batch : batch, tokens, 8, depth];
  return samplesOf(extent, shapeOf, {});
}

function samplesOf(
  extent: Parameters<typeof attentionChoice>[1],
  shapeOf: (device: Device) => readonly number[],
  options: AttentionOptions,
): Sample[] {
  const forward: Sample = {
    family: 'attention',
    choice: (device) => attentionChoice(device, extent, 'forward'),
    prepare: (device) => [1, 2, 3].map((seed) => values(device, shapeOf(device), seed)),
    run: (inputs) => attention(nth(inputs, 0), nth(inputs, 1), nth(inputs, 2), options),
  };
  const backward = (pass: 'dq' | 'dkv'): Sample => ({
    family: 'attention',
    choice: (device) => attentionChoice(device, extent, pass),
    prepare: (device) => {
      const [q, k, v, grad] = [1, 2, 3, 4].map((seed) => values(device, shapeOf(device), seed)) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const { out, lse } = attentionForward({ q, k, v }, options);
      return [q, k, v, grad, out, lse];
    },
    run: (inputs) => {
      const [q, k, v, grad, out, lse] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
      const name = pass === 'dq' ? 'q' : 'k';
      return attentionBackward({ q, k, v, grad, out, lse, needs: { [name]: true } }, options)[name] as Tensor;
    },
    isForGpus: true,
  });
  return [forward, backward('dq'), backward('dkv')];
}

/** Sequences of 8 to 14 tokens, as class names are. */
const SEQUENCES = Array.from({ length: 65 }, (_, i) => 11 * i + (i % 4));
const PACKED_TOKENS = nth(SEQUENCES, SEQUENCES.length - 1);

function packedOf(depth: number): Sample[] {
  const extent = { depth, queries: PACKED_TOKENS, packed: true };
  return samplesOf(extent, () => [PACKED_TOKENS, 8, depth], { cuSeqlens: SEQUENCES, causal: true });
}

function convolution(size: number, channels: number): Sample {
  const [image, weight, options] = [[1, channels, size, size], [channels, channels, 3, 3], { padding: 1 }];
  return {
    family: 'conv2d',
    choice: (device) => conv2dChoice(device, image, weight, options),
    prepare: (device) => [values(device, image), values(device, weight, 2)],
    run: (inputs) => conv2d(nth(inputs, 0), nth(inputs, 1), undefined, options),
  };
}

const SAMPLES: readonly Sample[] = [
  ...[64, 128].flatMap((depth) => [...attentionOf(197, depth, 2), ...attentionOf(577, depth, 1), ...packedOf(depth)]),
  ...ROWS.flatMap(([rows, width]): Sample[] => {
    const shape = [rows, width];
    const choice = (device: Device): Choice => rowChoice(device, rows, width);
    return [
      unary('norm', shape, choice, (x) => layerNorm(x)),
      unary('softmax', shape, choice, (x) => softmax(x)),
      unary('l2_normalize', shape, choice, (x) => l2Normalize(x)),
      {
        family: 'loss',
        choice,
        prepare: (device) => [values(device, shape), indices(device, [rows], width)],
        run: (inputs) => crossEntropy(nth(inputs, 0), nth(inputs, 1), { reduction: 'none' }),
      },
    ];
  }),
  sumOf(64, 768, 1),
  sumOf(6000, 64, 1),
  sumOf(512, 768, 0),
  sumOf(64, 8192, 0),
  convolution(6, 4),
  convolution(28, 16),
  unary('pointwise', [512, 1024], work('flat'), (x) => exp(x)),
  {
    family: 'pointwise',
    choice: work('strided'),
    prepare: (device) => [values(device, [512, 1024]), values(device, [1024], 2)],
    run: (inputs) => add(nth(inputs, 0), nth(inputs, 1)),
  },
  unary('copy', [512, 1024], work('vectors'), (x) => cast(x, 'i32')),
  unary('copy', [512, 1024], work('elements'), (x) => {
    using turned = permute(x, [1, 0]);
    return contiguous(turned);
  }),
  {
    family: 'gather',
    choice: work('vectors'),
    prepare: (device) => [values(device, [1024, 512]), indices(device, [1024], 1024)],
    run: (inputs) => embedding(nth(inputs, 0), nth(inputs, 1)),
  },
  {
    family: 'gather',
    choice: work('elements'),
    prepare: (device) => [values(device, [512, 512]), indices(device, [512, 512], 512)],
    run: (inputs) => gather(nth(inputs, 0), 1, nth(inputs, 1)),
  },
  ...[64, 63].map((width) => ({
    family: 'cat',
    choice: work(width === 64 ? 'vectors' : 'elements'),
    prepare: (device: Device) => [values(device, [4096, width]), values(device, [4096, 4], 2)],
    run: (inputs: readonly Tensor[]) => cat([nth(inputs, 0), nth(inputs, 1)], 1),
  })),
  {
    family: 'fill',
    choice: work('flat'),
    prepare: (device) => [values(device, [1])],
    run: (inputs) => full([512, 1024], 3, { device: nth(inputs, 0).device }),
  },
];

/** The families whose kernels have variants, with their problems. */
export const tuningFamilies: readonly string[] = ['gemm', ...new Set(SAMPLES.map(({ family }) => family))];

/**
 * One problem for every class of every family (or of those named) in which this device has a choice; pass them to `tune`. Call
 * `checkMatrix` first where subgroup matrices should take part.
 * @throws LimitError for an unknown family
 */
export function tuningProblems(device: Device, families: readonly string[] = tuningFamilies): TuningProblem[] {
  for (const family of families) {
    if (!tuningFamilies.includes(family))
      throw new LimitError('tuning', `there is no kernel family "${family}"`, `use ${tuningFamilies.join(', ')}`);
  }
  const seen = new Set<string>();
  // These variants are made for GPUs; on CPU adapters compiling them would take longer than measuring everything else.
  const isWorthwhile = (variant: string): boolean => device.adapter.kind === 'gpu' || !isFlash(variant);
  const problems = families.includes('gemm') ? gemmTuning(device) : [];
  for (const sample of SAMPLES.filter(
    ({ family, isForGpus = false }) => families.includes(family) && (device.adapter.kind === 'gpu' || !isForGpus),
  )) {
    const { family, choice, prepare, run } = sample;
    const { key, candidates: all } = choice(device);
    const candidates = all.filter(isWorthwhile);
    const name = `${family}/${key}`;
    if (candidates.length < 2 || seen.has(name)) continue;
    seen.add(name);
    problems.push({ family, key, candidates, prepare, run });
  }
  return problems;
}
