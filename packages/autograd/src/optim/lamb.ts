import { optimLambWgsl } from '@mudpt/shaders';
import { empty, keep, type Tensor, tensor } from '@mudpt/tensor/functions';
import { grid1d, shaderKernel } from '@mudpt/tensor/kernels';
import type { Arena } from './arena.ts';
import { expectMoments, momentParams } from './moments.ts';
import { Optimizer, type Update } from './optimizer.ts';
import { COMMON, type CommonOptions, type Group } from './options.ts';

const lamb = shaderKernel({ name: 'optim.lamb', source: optimLambWgsl, strided: true });

/** Options of {@link LAMB}. */
export type LAMBOptions = CommonOptions & {
  readonly betas: readonly [number, number];
  readonly eps: number;
};

/** Which blocks belong to which parameter. */
type BlockTable = {
  /** First block and the one after the last, by parameter. */
  readonly ranges: Tensor;
  /** Parameter by block. */
  readonly parameterOf: Tensor;
};

/**
 * LAMB (You et al. 2020): Adam whose step has, for each parameter, the length lr |p|, with decoupled weight decay; three dispatches for each group.
 * lr 0.001, betas 0.9 and 0.999, eps 1e-6.
 */
export class LAMB extends Optimizer<LAMBOptions> {
  private readonly tables: ReadonlyMap<Arena, BlockTable>;

  constructor(parameters: readonly Tensor[] | readonly Group<LAMBOptions>[], options: Partial<LAMBOptions> = {}) {
    super(parameters, { lr: 1e-3, ...COMMON, betas: [0.9, 0.999], eps: 1e-6 }, options);
    this.tables = new Map(this.groups.map(({ arena }) => [arena, tableOf(arena)]));
  }

  override dispose(): void {
    super.dispose();
    for (const { ranges, parameterOf } of this.tables.values()) {
      ranges.dispose();
      parameterOf.dispose();
    }
  }

  protected validate({ betas: [beta1, beta2], eps }: LAMBOptions): void {
    expectMoments('LAMB', { beta1, beta2 }, eps);
  }

  protected stateNames(): readonly string[] {
    return ['m', 'v'];
  }

  protected countsSteps(): boolean {
    return true;
  }

  protected update({ group, buffers, params, defines }: Update<LAMBOptions>): void {
    const { arena } = group;
    const { blocks, parameters } = arena;
    const { device, size } = arena.flat;
    const table = this.tables.get(arena) as BlockTable;
    const { p, g, m, v, steps, mask, rate } = buffers as Readonly<Record<string, Tensor>> & Buffers;
    const moments = momentParams(group.options.betas);
    const all = { ...params, ...moments, eps: group.options.eps, parameters: parameters.length };
    const masked = mask && { mask };
    using u = empty(device, [size]);
    using squares = empty(device, [2 * blocks]);
    using ratio = empty(device, [parameters.length]);
    lamb.dispatch(device, {
      buffers: { p, g, m, v, u, squares, steps, ...masked },
      params: all,
      grid: grid1d(blocks, 1),
      defines: { ...defines, PART: 0, RATE: 0 },
      bytes: 28 * size,
    });
    lamb.dispatch(device, {
      buffers: { squares, ranges: table.ranges, ratio },
      params: all,
      grid: grid1d(parameters.length, 1),
      defines: { PART: 1, WG: defines['WG'] as number },
      bytes: 8 * blocks,
    });
    lamb.dispatch(device, {
      buffers: { p, g: u, ratio, parameter_of: table.parameterOf, ...masked, ...(rate && { rate }) },
      params: all,
      grid: grid1d(blocks, 1),
      defines: { ...defines, PART: 2, MAXIMIZE: 0, COUNT: 0 },
      bytes: 12 * size,
    });
  }
}

type Buffers = Readonly<Record<'p' | 'g' | 'm' | 'v' | 'steps', Tensor>> & Partial<Readonly<Record<'mask' | 'rate', Tensor>>>;

function tableOf(arena: Arena): BlockTable {
  const { device } = arena.flat;
  const ends = arena.parameters.map((_, index) =>
    index + 1 < arena.parameters.length ? arena.firstBlock(index + 1) : arena.blocks,
  );
  const ranges = Uint32Array.from(ends.flatMap((end, index) => [arena.firstBlock(index), end]));
  const parameterOf = new Uint32Array(arena.blocks);
  for (const [index, end] of ends.entries()) parameterOf.fill(index, arena.firstBlock(index), end);
  return { ranges: keep(tensor(ranges, { device })), parameterOf: keep(tensor(parameterOf, { device })) };
}
