/** Tuning problems of the gemm family: products that represent each class. */
import type { Device } from '../../device.ts';
import type { FloatDType } from '../../dtype.ts';
import type { TuningProblem } from '../tune.ts';
import { TensorError } from '../../errors.ts';
import { sizeOf } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { upload } from '../upload.ts';
import { candidatesFor, takesUnits, tuningKey } from './choices.ts';
import { gemm } from './gemm.ts';
import { normalize } from './problem/normal-form.ts';
import { isFewRows, type Operand, type Product } from './problem/problem.ts';
import { type DeviceTraits, traitsOf } from './problem/traits.ts';
import type { GemmVariant } from './variants/index.ts';

type Size = readonly [m: number, n: number, k: number];

/** Each class of size on CPU adapters; the large one is a projection of a transformer with 768 channels. */
const CPU_SIZES: readonly Size[] = [
  [4, 768, 768],
  [128, 128, 512],
  [512, 768, 768],
];

/** Rows of the products of a training step, by the model widths that they occur with. */
const GPU_ROWS: readonly (readonly [rows: readonly number[], width: number])[] = [
  // The embedded model: prompts, images of 17 tokens and packed class names.
  [[4, 16, 68, 272, 1088], 128],
  // The text tower of ViT-B/16: prompts, and a hundred class names, packed.
  [[2, 16, 40, 256, 1024], 512],
  // ViT-B/16: prompts, 1, 4 and 32 images of 197 tokens; the text tower of ViT-L/14.
  [[2, 16, 40, 197, 788, 1024, 6304], 768],
  // ViT-L/14: prompts, 1, 4 and 32 images of 257 tokens.
  [[2, 16, 40, 257, 1028, 8224], 1024],
];

/** Inputs and outputs of the projections of a transformer block, in model widths: attention out and in, the two of the MLP. */
const PROJECTIONS = [
  [1, 1],
  [1, 3],
  [1, 4],
  [4, 1],
] as const;

/** One [m, n, k] and how its operands are stored. */
type Sample = { readonly size: Size; readonly transposeA: boolean; readonly transposeB: boolean; readonly dtype?: FloatDType };

/** Forward, gradient of the input, gradient of the weight. */
const FORWARD = { transposeA: false, transposeB: true } as const;
const INPUT = { transposeA: false, transposeB: false } as const;
const WEIGHT = { transposeA: true, transposeB: false } as const;

const cpuSamples = (): Sample[] => CPU_SIZES.flatMap((size) => [FORWARD, INPUT, WEIGHT].map((stored) => ({ size, ...stored })));

const gpuSamples = (): Sample[] =>
  GPU_ROWS.flatMap(([rows, width]) =>
    rows.flatMap((m) =>
      PROJECTIONS.flatMap(([from, to]): Sample[] => {
        const [inputs, outputs] = [from * width, to * width];
        return [
          { size: [m, outputs, inputs], ...FORWARD },
          { size: [m, inputs, outputs], ...INPUT },
          { size: [outputs, inputs, m], ...WEIGHT },
        ];
      }),
    ),
  );

/** With matrix units: the forward products in f16, which are all that reads f16 alone (docs/mixed-precision.md). A few rows are no work for tiles. */
function unitSamples({ proven }: DeviceTraits): Sample[] {
  if (proven.size === 0) return [];
  return gpuSamples()
    .filter(({ size: [m], transposeA, transposeB }) => !isFewRows(m) && !transposeA && transposeB)
    .map((sample) => ({ ...sample, dtype: 'f16' }));
}

/** How many candidates are measured on GPUs: those further down the estimate are slower by more than its error. */
const MEASURED = 9;

const workOf = ({ size: [m, n, k] }: Sample): number => m * n * k;

/**
 * One problem for every class of product that models meet, f32, and f16 where matrix units take them: on CPU adapters three sizes in three transposes; on GPUs the projections of a step
 * of ViT-B/16, ViT-L/14 and the embedded model. Pass them to `tune`; call `checkMatrix` first where subgroup matrices should take part.
 */
export function gemmTuning(device: Device): TuningProblem[] {
  const traits = traitsOf(device);
  const problems = new Map<string, TuningProblem>();
  // The smallest problem represents its class.
  const samples = (traits.cpu ? cpuSamples() : [...gpuSamples(), ...unitSamples(traits)]).sort((a, b) => workOf(a) - workOf(b));
  for (const sample of samples) {
    const normal = normalOf(device, sample);
    if (sample.dtype === 'f16' && !takesUnits(normal, traits)) continue;
    const key = tuningKey(normal, traits);
    if (!problems.has(key)) problems.set(key, problemOf(device, key, sample, measuredFor(normal, traits)));
  }
  return [...problems.values()];
}

const shapesOf = ({ size: [m, n, k], transposeA, transposeB }: Sample): [readonly number[], readonly number[]] => [
  transposeA ? [k, m] : [m, k],
  transposeB ? [n, k] : [k, n],
];

function productOf({ size: [m, n, k], transposeA, transposeB }: Sample, a: Tensor, b: Tensor, c: Tensor): Product {
  const stored = (tensor: Tensor, row: number, col: number): Operand => ({ tensor, offset: 0, row, col, batch: [] });
  const left = transposeA ? stored(a, 1, m) : stored(a, k, 1);
  const right = transposeB ? stored(b, 1, k) : stored(b, n, 1);
  return { batch: [], m, n, k, a: left, b: right, c: stored(c, n, 1), epilogue: {} };
}

/** The normal form of a sample for plans, which look at strides and dtypes: one element represents all three tensors. */
function normalOf(device: Device, sample: Sample): Product {
  using element = empty(device, [1], sample.dtype);
  return normalize(productOf(sample, element, element, element));
}

/** Variants that can compute [m, k] x [n, k]^T in f32 on `device`, the presumably best first: what tests and the bench force. */
export function variantsFor(device: Device, size: Size): GemmVariant[] {
  return candidatesFor(normalOf(device, { size, ...FORWARD }), traitsOf(device));
}

function measuredFor(normal: Product, traits: DeviceTraits): readonly string[] {
  const all = candidatesFor(normal, traits);
  const measured = traits.cpu ? all.filter(({ madeFor }) => madeFor !== 'gpu') : all.slice(0, MEASURED);
  return measured.map(({ name }) => name);
}

function problemOf(device: Device, key: string, sample: Sample, candidates: readonly string[]): TuningProblem {
  return {
    family: 'gemm',
    key,
    candidates,
    prepare: () => shapesOf(sample).map((shape) => values(device, shape, sample.dtype)),
    run: ([left, right]) => {
      if (!left || !right)
        throw new TensorError('gemmTuning', 'run needs the two tensors of prepare', 'pass what prepare returned');
      const out = empty(device, sample.size.slice(0, 2), sample.dtype);
      gemm(productOf(sample, left, right, out));
      return out;
    },
  };
}

function values(device: Device, shape: readonly number[], dtype: FloatDType = 'f32'): Tensor {
  const data = new Float32Array(sizeOf(shape));
  for (let i = 0; i < data.length; i += 1) data[i] = ((i * 7919) % 257) / 128 - 1;
  return upload(device, shape, dtype, data);
}
