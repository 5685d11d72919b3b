/** The broadcast variant: a register tile a subgroup, fed by subgroup broadcasts; the default of CPU adapters. */
import { gemmBroadcastWgsl } from '@mudpt/shaders';
import { kernel } from '../../kernel.ts';
import { type Access, exactAccess } from '../problem/access.ts';
import { FEW_ROWS, isFewRows, type Problem } from '../problem/problem.ts';
import type { DeviceTraits } from '../problem/traits.ts';
import { dispatching, type GemmVariant } from './variant.ts';

/** Subgroup sizes that the kernel's share of loads divides. */
const SUBGROUP_SIZES: readonly number[] = [4, 8, 16, 32, 64];
/** Subgroups of a workgroup in the tall tile, stacked along the rows. */
const STACKED_SUBGROUPS = 4;
/** Products of fewer multiply-adds take the flat tile, because compiling another pipeline would take longer than they do. */
const SMALL_WORK = 2 ** 22;

/**
 * Whether one pipeline serves operands of every layout. It does on CPU adapters with subgroups of 8, where a pipeline takes half a second
 * to compile and the selects cost at most 2 % of a tile's time. With subgroups of 4 they cost 5 to 20 %, and compiling takes a fifth
 * of a second.
 */
const sharesPipelines = ({ cpu, subgroupSize }: DeviceTraits): boolean => cpu && subgroupSize === 8;

/**
 * Whether a product takes the flat tile of 4 rows rather than the tall one. With subgroups of 8 the tall tile has 24 rows, the
 * cheapest for most heights (tiles of 4, 8, 16 and 24 rows take times of 0.22 : 0.29 : 0.41 : 0.5). With subgroups of 4 it has 16: beyond that
 * registers run out, and 24 take too long to compile. There are only two heights, because each costs a pipeline or more. A flat tile that shares its
 * pipeline reads and writes at any alignment, so small unaligned products take it too.
 */
function isFlat(p: Problem, traits: DeviceTraits): boolean {
  if (isFewRows(p.m)) return true;
  const { VA, VC, TAIL } = exactAccess(p);
  const isUneven = VA === 's' || VC === 0 || TAIL === 1;
  return sharesPipelines(traits) && isUneven && p.m * p.n * p.k <= SMALL_WORK;
}

type Shape = { readonly TM: number; readonly TV: number; readonly GROUPS: number };

/** Rows and vectors of 4 columns of an invocation, subgroups of a workgroup. */
function shapeOf(p: Problem, traits: DeviceTraits): Shape {
  const { subgroupSize } = traits;
  const TV = subgroupSize === 4 ? 2 : 1;
  if (isFlat(p, traits)) return { TM: FEW_ROWS, TV, GROUPS: 1 };
  return { TM: subgroupSize === 8 ? 24 : 16, TV, GROUPS: STACKED_SUBGROUPS };
}

function access(p: Problem, traits: DeviceTraits): Access {
  const exact = exactAccess(p);
  if (!sharesPipelines(traits)) return exact;
  const shared: Access = { ...exact, VB: exact.VB === 's' ? 's' : 'v' };
  return isFlat(p, traits) ? { ...shared, VA: 's', TAIL: 1, VC: 0 } : shared;
}

export const broadcast: GemmVariant = {
  name: 'broadcast',
  idea: 'each lane loads a vector once and the subgroup passes it round: no workgroup memory, no barrier, only multiply-adds',
  runsOn: ({ subgroupSize }) => SUBGROUP_SIZES.includes(subgroupSize),
  tiling(p, traits) {
    const { TM, TV, GROUPS } = shapeOf(p, traits);
    return { rows: TM * GROUPS, columns: 4 * traits.subgroupSize * TV };
  },
  defines: shapeOf,
  access,
  dispatch: dispatching(kernel({ name: 'gemm.broadcast', source: gemmBroadcastWgsl })),
  gpuRank: ({ m }) => (isFewRows(m) ? 2 : 3),
};
