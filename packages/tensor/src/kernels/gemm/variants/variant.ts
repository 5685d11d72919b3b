/** The type of a gemm variant, which planner, tuner, bench and tests read. */
import type { Defines } from '@mudpt/shaders';
import type { Tensor } from '../../../tensor.ts';
import type { Kernel } from '../../kernel.ts';
import type { Access } from '../problem/access.ts';
import type { TileModel } from '../problem/estimate.ts';
import type { Problem } from '../problem/problem.ts';
import type { DeviceTraits } from '../problem/traits.ts';

/** Rows and columns of the result that a workgroup computes. */
export type Tiling = { readonly rows: number; readonly columns: number };

/** Parameters of gemm/params.wgsl by name. */
export type GemmParams = Readonly<Record<string, number | readonly number[]>>;

/** One dispatch of a plan, without the tensor it writes. */
export type Step = {
  readonly buffers: Readonly<Record<string, Tensor>>;
  readonly params: GemmParams;
  readonly defines: Defines;
  readonly grid: readonly number[];
  readonly flops: number;
  readonly bytes: number;
};

/** The dispatch of the variant: writes the result, or partial sums. */
export type SumsStep = Step & {
  readonly buffers: { readonly a: Tensor; readonly b: Tensor };
  readonly tiling: Tiling;
  readonly access: Access;
};

/** Sample products: an experimental variant may run on a device only after it computed these as the plain variant does. */
export type NumericGate = {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** As forward products (a along k, b along k) and as gradients of weights (a along m, b along n) store their operands. */
  readonly layouts: readonly ('NT' | 'TN')[];
  /** Dtypes of the operands that the device offers for it; all are compared. */
  dtypes(traits: DeviceTraits): readonly ('f16' | 'f32')[];
  /** Largest relative difference (Frobenius norm) that another order of summation may cause. */
  readonly tolerance: number;
};

/** One way to compute a product. */
export type GemmVariant = {
  /** Its name for the tuner's table and `tuner.force('gemm', name)`. */
  readonly name: string;
  /** One sentence on the technique and its gain; the kernel ladder prints it. */
  readonly idea: string;
  /** Whether a device with these traits can run it for `p`. */
  runsOn(traits: DeviceTraits, p: Problem): boolean;
  tiling(p: Problem, traits: DeviceTraits): Tiling;
  /** Constants of its WGSL in addition to those of all kernels of the family. */
  defines(p: Problem, traits: DeviceTraits): Defines;
  /** Records the sums of a step into `c`; made by {@link dispatching}. */
  dispatch(step: SumsStep, c: Tensor): void;

  /** How it reads and writes memory, if not by the layout of the operands; default: `exactAccess`. */
  access?(p: Problem, traits: DeviceTraits): Access;
  /** Whether it writes plain f32 sums, so that the epilogue is always a second dispatch. */
  readonly sumsOnly?: true;
  /** Its time on a GPU, by which tiles are ordered and k is split there. */
  readonly model?: TileModel;
  /** Its rank among the candidates on a GPU: below 0 before the tiles that have a model, above 0 after them. On CPU adapters the list is the order. */
  gpuRank?(p: Problem): number;
  /** `gpu`: CPU adapters can run it, but tuning skips it there, because it takes longer to compile than everything else takes to measure. */
  readonly madeFor?: 'gpu';
  /** The numeric gate: it is no candidate on a device that has not passed. */
  readonly provenBy?: NumericGate;
};

/** The `dispatch` of a variant that runs `kernel`. @param names the defines that its WGSL reads, where those are not all, so that others make no pipelines */
export function dispatching(kernel: Kernel, names?: readonly string[]): GemmVariant['dispatch'] {
  return ({ buffers, params, grid, defines, flops, bytes }, c) => {
    const read = names ? Object.fromEntries(Object.entries(defines).filter(([name]) => names.includes(name))) : defines;
    const bound = names ? { a: buffers.a, b: buffers.b, c } : { ...buffers, c };
    kernel.dispatch(c.device, { buffers: bound, params, grid, defines: read, flops, bytes });
  };
}
