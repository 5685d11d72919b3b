/** The broadcast variant: a register tile a subgroup, fed by subgroup broadcasts; the default of CPU adapters. */
import { gemmBroadcastWgsl } from '@mudpt/shaders';
import { kernel } from '../../kernel.ts';
import { type Access, exactAccess } from '../problem/access.ts';
import { FEW_ROWS, isFewRows, type Problem } from '../problem/problem.ts';
import type { DeviceTraits } from '../problem/traits.ts';
import { dispatching, type GemmVariant } from './variant.ts';

/** Subgroup sizes that the kernel's share of loads divides. */
const SUBGROUP_SIZES: readonly number[] = [4, 8, 16, 32, 64];
/** Subgroups of a workgroup in the tall tile, one below the other. */
const STACKED_SUBGROUPS = 4;
/** Multiply-adds of a product that takes less time to compute in the flat tile than a pipeline of its own would take to compile. */
const SMALL_WORK = 2 ** 22;

/**
 * Whether one pipeline serves operands that lie in different ways. So it is on CPU adapters with subgroups of 8, where a pipeline takes half a second
 * to compile and selects hide in the time of loads (no more than 2 % of a tile's time; 5 to 20 % with subgroups of 4, where compiling takes a fifth
 * of a second).
 */
const sharesPipelines = ({ cpu, subgroupSize }: DeviceTraits): boolean => cpu && subgroupSize === 8;

/**
 * Whether a product takes the flat tile of 4 rows rather than the tall one. With subgroups of 8, where a tile is narrow, the tall one has 24 rows, the
 * cheapest for most heights (the time of a tile of 4, 8, 16, 24 rows is as 0.22 : 0.29 : 0.41 : 0.5); with subgroups of 4 24 take too long to
 * compile, and from 16 on the registers end: it has 16. There are two heights only, since each is a pipeline or more. A flat tile that shares its
 * pipeline reads and writes at any alignment, so small products that are not aligned take it, too.
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
