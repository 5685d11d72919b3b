/** Tuning problems, from which the tuner learns the best variant of every kernel family, in the classes that models meet. */
import type { Device } from './device.ts';
import type { TuningProblem } from './kernels/tune.ts';
import type { Choice } from './engine/tuner.ts';
import { LimitError, TensorError } from './errors.ts';
import { scope } from './scope.ts';
import type { Tensor } from './tensor.ts';
import { attention } from './ops/attention.ts';
import { isFlash } from './kernels/attention/flash.ts';
import { cast, contiguous } from './ops/copy.ts';
import { conv2d } from './ops/conv2d.ts';
import { full, tensor } from './ops/create.ts';
import { crossEntropy } from './ops/cross-entropy.ts';
import { embedding, gather } from './ops/gather.ts';
import { gemmTuning } from './kernels/gemm/tuning.ts';
import { cat } from './ops/join.ts';
import { layerNorm } from './ops/norm.ts';
import { l2Normalize } from './ops/normalize.ts';
import { add, exp } from './pointwise/ops.ts';
import { sum } from './ops/reduce.ts';
import { softmax } from './ops/softmax.ts';
import { permute } from './ops/views.ts';

/** A call of one operation; its class is what the family asks the tuner for when it runs. */
type Sample = {
  readonly family: string;
  readonly prepare: (device: Device) => readonly Tensor[];
  readonly run: (inputs: readonly Tensor[]) => Tensor;
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

function at(inputs: readonly Tensor[], index: number): Tensor {
  const input = inputs[index];
  if (!input) throw new TensorError('tuning', `input ${index} is missing`, 'pass what prepare returned');
  return input;
}

/** An operation of one float tensor. */
function unary(family: string, shape: readonly number[], run: (x: Tensor) => Tensor): Sample {
  return { family, prepare: (device) => [values(device, shape)], run: (inputs) => run(at(inputs, 0)) };
}

function attentionOf(tokens: number, depth: number, batch: number): Sample {
  return {
    family: 'attention',
    prepare: (device) => [1, 2, 3].map((seed) => values(device, [batch, tokens, 8, depth], seed)),
    run: (inputs) => attention(at(inputs, 0), at(inputs, 1), at(inputs, 2)),
  };
}

/** Sequences of 8 to 14 tokens, as class names are. */
const SEQUENCES = Array.from({ length: 65 }, (_, i) => 11 * i + (i % 4));

function packedOf(depth: number): Sample {
  const tokens = SEQUENCES.at(-1) ?? 0;
  return {
    family: 'attention',
    prepare: (device) => [1, 2, 3].map((seed) => values(device, [tokens, 8, depth], seed)),
    run: (inputs) => attention(at(inputs, 0), at(inputs, 1), at(inputs, 2), { cuSeqlens: SEQUENCES, causal: true }),
  };
}

function convolution(size: number, channels: number): Sample {
  return {
    family: 'conv2d',
    prepare: (device) => [values(device, [1, channels, size, size]), values(device, [channels, channels, 3, 3], 2)],
    run: (inputs) => conv2d(at(inputs, 0), at(inputs, 1), undefined, { padding: 1 }),
  };
}

const SAMPLES: readonly Sample[] = [
  ...[64, 128].flatMap((depth) => [attentionOf(197, depth, 2), attentionOf(577, depth, 1), packedOf(depth)]),
  ...ROWS.flatMap(([rows, width]) => [
    unary('norm', [rows, width], (x) => layerNorm(x)),
    unary('softmax', [rows, width], (x) => softmax(x)),
    unary('l2_normalize', [rows, width], (x) => l2Normalize(x)),
    {
      family: 'loss',
      prepare: (device: Device) => [values(device, [rows, width]), indices(device, [rows], width)],
      run: (inputs: readonly Tensor[]) => crossEntropy(at(inputs, 0), at(inputs, 1), { reduction: 'none' }),
    },
  ]),
  unary('reduce', [64, 768], (x) => sum(x, 1)),
  unary('reduce', [6000, 64], (x) => sum(x, 1)),
  unary('reduce', [512, 768], (x) => sum(x, 0)),
  unary('reduce', [64, 8192], (x) => sum(x, 0)),
  convolution(6, 4),
  convolution(28, 16),
  unary('pointwise', [512, 1024], (x) => exp(x)),
  {
    family: 'pointwise',
    prepare: (device) => [values(device, [512, 1024]), values(device, [1024], 2)],
    run: (inputs) => add(at(inputs, 0), at(inputs, 1)),
  },
  unary('copy', [512, 1024], (x) => cast(x, 'i32')),
  unary('copy', [512, 1024], (x) => {
    using turned = permute(x, [1, 0]);
    return contiguous(turned);
  }),
  {
    family: 'gather',
    prepare: (device) => [values(device, [1024, 512]), indices(device, [1024], 1024)],
    run: (inputs) => embedding(at(inputs, 0), at(inputs, 1)),
  },
  {
    family: 'gather',
    prepare: (device) => [values(device, [512, 512]), indices(device, [512, 512], 512)],
    run: (inputs) => gather(at(inputs, 0), 1, at(inputs, 1)),
  },
  ...[64, 63].map((width) => ({
    family: 'cat',
    prepare: (device: Device) => [values(device, [4096, width]), values(device, [4096, 4], 2)],
    run: (inputs: readonly Tensor[]) => cat([at(inputs, 0), at(inputs, 1)], 1),
  })),
  {
    family: 'fill',
    prepare: (device) => [values(device, [1])],
    run: (inputs) => full([512, 1024], 3, { device: at(inputs, 0).device }),
  },
];

/** Families whose kernels have variants. */
export const tuningFamilies: readonly string[] = ['gemm', ...new Set(SAMPLES.map(({ family }) => family))];

/**
 * One problem for every class of every family (or of those named) in which this device has a choice; pass them to `tune`. Samples run up to
 * their choice of a variant, to learn their class. Call `checkMatrix` first where subgroup matrices should take part.
 * @throws LimitError for an unknown family
 */
export function tuningProblems(device: Device, families: readonly string[] = tuningFamilies): TuningProblem[] {
  for (const family of families) {
    if (!tuningFamilies.includes(family))
      throw new LimitError('tuning', `there is no kernel family "${family}"`, `use ${tuningFamilies.join(', ')}`);
  }
  const seen = new Set<string>();
  // Made for GPUs; on CPU adapters they would take longer to compile than all else takes to measure.
  const isWorthwhile = (variant: string): boolean => device.adapter.kind === 'gpu' || !isFlash(variant);
  const problems = families.includes('gemm') ? gemmTuning(device) : [];
  for (const sample of SAMPLES.filter(({ family }) => families.includes(family))) {
    const { key, candidates: all } = choiceOf(device, sample);
    const candidates = all.filter(isWorthwhile);
    const name = `${sample.family}/${key}`;
    if (candidates.length < 2 || seen.has(name)) continue;
    seen.add(name);
    problems.push({ ...sample, key, candidates });
  }
  return problems;
}

/** Ends a sample's run as soon as its class is known: compiling its kernel can take seconds. */
class Chosen extends Error {
  constructor(readonly choice: Choice) {
    super(`${choice.family}/${choice.key}`);
  }
}

function choiceOf(device: Device, { family, prepare, run }: Sample): Choice {
  using _ = device.tuner.observe((choice) => {
    if (choice.family === family) throw new Chosen(choice);
  });
  try {
    scope(() => run(prepare(device)));
  } catch (error) {
    if (error instanceof Chosen) return error.choice;
    throw error;
  }
  throw new TensorError('tuning', `the sample of ${family} never asked which variant to run`, 'mend the sample');
}
