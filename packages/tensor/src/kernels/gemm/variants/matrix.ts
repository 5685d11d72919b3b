/** The variant for subgroup matrix units of an adapter: an experimental feature, so it is a candidate only after its check on the device. */
import { gemmMatrixWgsl } from '@mudpt/shaders';
import type { SubgroupMatrixConfig } from '../../../engine/adapter.ts';
import { LimitError } from '../../../errors.ts';
import { kernel } from '../../kernel.ts';
import { isFewRows, type Matrices, type Problem } from '../problem/problem.ts';
import { BLOCK_STEPS } from '../problem/estimate.ts';
import type { DeviceTraits } from '../problem/traits.ts';
import { dispatching, type GemmVariant } from './variant.ts';

/** Matrices of the result that a subgroup computes along each side. */
const SIDE = 2;

/** The shape of matrix units that `p` uses; the tile of this variant follows from it. */
function configOf({ a, b, m, n, k }: Problem, { subgroupMatrix, subgroupSize }: DeviceTraits): SubgroupMatrixConfig | undefined {
  const { dtype } = a.tensor;
  const fits = dtype === b.tensor.dtype && isDense(a) && isDense(b) && subgroupSize > 0;
  if (!fits) return undefined;
  return subgroupMatrix.find(
    ({ componentType, resultComponentType, M, N, K }) =>
      componentType === dtype &&
      resultComponentType === 'f32' &&
      m % (SIDE * M) === 0 &&
      n % (SIDE * N) === 0 &&
      k % K === 0 &&
      BLOCK_STEPS % K === 0,
  );
}

/** Contiguous along one axis, with a stride that the units can take along the other. */
const isDense = ({ row, col }: Matrices): boolean => (col === 1 && row > 0) || (row === 1 && col > 0);

function expectConfig(p: Problem, traits: DeviceTraits): SubgroupMatrixConfig {
  const config = configOf(p, traits);
  if (config) return config;
  throw new LimitError('gemm', 'no shape of the subgroup matrix units takes this product', 'ask runsOn before planning it');
}

export const matrix: GemmVariant = {
  name: 'matrix',
  idea: 'the matrix units of a subgroup multiply whole tiles: an instruction for thousands of multiply-adds',
  runsOn: (traits, p) => configOf(p, traits) !== undefined,
  tiling(p, traits) {
    const { M, N } = expectConfig(p, traits);
    return { rows: SIDE * M, columns: SIDE * N };
  },
  defines(p, traits) {
    const { M, N, K } = expectConfig(p, traits);
    return { CM: M, CN: N, CK: K, A_COL: p.a.col === 1 ? 0 : 1, B_COL: p.b.col === 1 ? 0 : 1 };
  },
  dispatch: dispatching(kernel({ name: 'gemm.matrix', source: gemmMatrixWgsl }), [
    'TA',
    'CM',
    'CN',
    'CK',
    'A_COL',
    'B_COL',
    'CPU',
  ]),
  sumsOnly: true,
  gpuRank: ({ m }) => (isFewRows(m) ? 3 : -1),
  provenBy: {
    m: 64,
    n: 64,
    k: 128,
    dtypes: ({ subgroupMatrix }) =>
      subgroupMatrix
        .filter(({ resultComponentType }) => resultComponentType === 'f32')
        .flatMap(({ componentType }) => (componentType === 'f16' || componentType === 'f32' ? [componentType] : [])),
    tolerance: 1e-4,
  },
};
