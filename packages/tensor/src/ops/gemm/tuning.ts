/** Problems from which the tuner learns the best variant for each class of product. */
import type { Device } from '../../device/device.ts';
import type { TuningProblem } from '../../device/tune.ts';
import { TensorError } from '../../errors.ts';
import { empty, type Tensor } from '../../tensor.ts';
import { tensor } from '../create.ts';
import { factsOf, gemm } from './gemm.ts';
import { planMatrix } from './matrix.ts';
import { candidates, keyOf } from './plan.ts';
import { matricesOf, normalize, type Product } from './problem.ts';

/** [m, n, k] of each class of size; the large one is a projection of a transformer with 768 channels. */
const SIZES = [
  [4, 768, 768],
  [128, 128, 512],
  [512, 768, 768],
] as const;
/** Forward, gradient of the input, gradient of the weight. */
const TRANSPOSES = [
  { transposeA: false, transposeB: true },
  { transposeA: false, transposeB: false },
  { transposeA: true, transposeB: false },
] as const;

/**
 * One problem for every class of product that models meet: three sizes, three transposes, f32. Pass them to `tune`; call `checkMatrix` first where
 * subgroup matrices should take part.
 */
export function gemmTuning(device: Device): TuningProblem[] {
  return SIZES.flatMap(([m, n, k]) =>
    TRANSPOSES.map(({ transposeA, transposeB }): TuningProblem => {
      const product = (a: Tensor, b: Tensor, c: Tensor): Product => ({
        batch: [],
        m,
        n,
        k,
        a: matricesOf(a, transposeA),
        b: matricesOf(b, transposeB),
        c: matricesOf(c),
        epilogue: {},
      });
      const prepare = (): [Tensor, Tensor] => [
        values(device, transposeA ? [k, m] : [m, k]),
        values(device, transposeB ? [n, k] : [k, n]),
      ];
      using a = empty(device, transposeA ? [k, m] : [m, k]);
      using b = empty(device, transposeB ? [n, k] : [k, n]);
      using c = empty(device, [m, n]);
      const normal = normalize(product(a, b, c));
      return {
        family: 'gemm',
        key: keyOf(normal),
        candidates: candidates(normal.m, { ...factsOf(device), matrix: planMatrix(normal) !== undefined }),
        prepare,
        run: ([left, right]) => {
          if (!left || !right)
            throw new TensorError('gemmTuning', 'run needs the two tensors of prepare', 'pass what prepare returned');
          const out = empty(device, [m, n]);
          gemm(product(left, right, out));
          return out;
        },
      };
    }),
  );
}

function values(device: Device, shape: readonly [number, number]): Tensor {
  const data = Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => ((i * 7919) % 257) / 128 - 1);
  return tensor(data, { device, shape });
}
