import { optimAdamaxWgsl } from '@mudpt/shaders';
import type { Tensor } from '@mudpt/tensor/functions';
import { shaderKernel } from '@mudpt/tensor/kernels';
import { expectMoments } from './moments.ts';
import { Optimizer, type Update } from './optimizer.ts';
import { COMMON, type CommonOptions, type Group } from './options.ts';

const adamax = shaderKernel({ name: 'optim.adamax', source: optimAdamaxWgsl, strided: true });

/** Options of {@link Adamax}, by the names of PyTorch. */
export type AdamaxOptions = CommonOptions & {
  readonly betas: readonly [number, number];
  readonly eps: number;
};

/** Adamax as torch.optim.Adamax; one dispatch for each group. lr 0.002, betas 0.9 and 0.999, eps 1e-8. */
export class Adamax extends Optimizer<AdamaxOptions> {
  constructor(parameters: readonly Tensor[] | readonly Group<AdamaxOptions>[], options: Partial<AdamaxOptions> = {}) {
    super(parameters, { lr: 2e-3, ...COMMON, betas: [0.9, 0.999], eps: 1e-8 }, options);
  }

  protected validate({ betas: [beta1, beta2], eps }: AdamaxOptions): void {
    expectMoments('Adamax', { beta1, beta2 }, eps);
  }

  protected stateNames(): readonly string[] {
    return ['m', 'u'];
  }

  protected countsSteps(): boolean {
    return true;
  }

  protected update(update: Update<AdamaxOptions>): void {
    const { betas, eps } = update.group.options;
    const [beta1, beta2] = betas;
    this.dispatch(adamax, update, { params: { beta1, beta2, rest1: 1 - beta1, log_beta1: Math.log(beta1), eps }, moved: 7 });
  }
}
