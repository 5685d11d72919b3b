import { optimRadamWgsl } from '@mudpt/shaders';
import type { Tensor } from '@mudpt/tensor/functions';
import { shaderKernel } from '@mudpt/tensor/kernels';
import { expectMoments, momentParams } from './moments.ts';
import { Optimizer, type Update } from './optimizer.ts';
import { COMMON, type CommonOptions, type Group } from './options.ts';

const radam = shaderKernel({ name: 'optim.radam', source: optimRadamWgsl, strided: true });

/** Options of {@link RAdam}, by the names of PyTorch. */
export type RAdamOptions = CommonOptions & {
  readonly betas: readonly [number, number];
  readonly eps: number;
  /** Whether the weight decay is taken off the weights (as AdamW does) instead of added to the gradient. Default false. */
  readonly decoupledWeightDecay: boolean;
};

/** RAdam as torch.optim.RAdam; one dispatch for each group. lr 0.001, betas 0.9 and 0.999, eps 1e-8. */
export class RAdam extends Optimizer<RAdamOptions> {
  constructor(parameters: readonly Tensor[] | readonly Group<RAdamOptions>[], options: Partial<RAdamOptions> = {}) {
    super(parameters, { lr: 1e-3, ...COMMON, betas: [0.9, 0.999], eps: 1e-8, decoupledWeightDecay: false }, options);
  }

  protected validate({ betas: [beta1, beta2], eps }: RAdamOptions): void {
    expectMoments('RAdam', { beta1, beta2 }, eps);
  }

  protected stateNames(): readonly string[] {
    return ['m', 'v'];
  }

  protected countsSteps(): boolean {
    return true;
  }

  protected update(update: Update<RAdamOptions>): void {
    const { betas, eps, decoupledWeightDecay } = update.group.options;
    const [, beta2] = betas;
    const longest = 2 / (1 - beta2) - 1;
    this.dispatch(radam, update, {
      params: {
        ...momentParams(betas),
        eps,
        rho_inf: longest,
        rho_start: longest + 2 / Math.log(beta2),
        // The correction needs an average over more than 5 steps; betas that never reach it are never rectified.
        rho_scale: longest > 5 ? longest / ((longest - 4) * (longest - 2)) : 0,
      },
      defines: { DECOUPLED: decoupledWeightDecay ? 1 : 0 },
      moved: 7,
    });
  }
}
