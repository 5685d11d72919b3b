import { optimNadamWgsl } from '@mudpt/shaders';
import type { Tensor } from '@mudpt/tensor/functions';
import { shaderKernel } from '@mudpt/tensor/kernels';
import { expectMoments } from './moments.ts';
import { Optimizer, type Update } from './optimizer.ts';
import { COMMON, type CommonOptions, type Group } from './options.ts';

const nadam = shaderKernel({ name: 'optim.nadam', source: optimNadamWgsl, strided: true });

/** Options of {@link NAdam}, by the names of PyTorch. */
export type NAdamOptions = CommonOptions & {
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly momentumDecay: number;
  /** Whether the weight decay is taken off the weights (as AdamW does) instead of added to the gradient. Default false. */
  readonly decoupledWeightDecay: boolean;
};

/** NAdam as torch.optim.NAdam; one dispatch for each group. lr 0.002, betas 0.9 and 0.999, eps 1e-8, momentumDecay 0.004. */
export class NAdam extends Optimizer<NAdamOptions> {
  constructor(parameters: readonly Tensor[] | readonly Group<NAdamOptions>[], options: Partial<NAdamOptions> = {}) {
    super(
      parameters,
      { lr: 2e-3, ...COMMON, betas: [0.9, 0.999], eps: 1e-8, momentumDecay: 4e-3, decoupledWeightDecay: false },
      options,
    );
  }

  protected validate({ betas: [beta1, beta2], eps }: NAdamOptions): void {
    expectMoments('NAdam', { beta1, beta2 }, eps);
  }

  protected stateNames(): readonly string[] {
    return ['m', 'v'];
  }

  protected countsSteps(): boolean {
    return true;
  }

  protected override blockStateNames(): readonly string[] {
    return ['product'];
  }

  protected override firstValue(state: string): number {
    return state === 'product' ? 1 : 0;
  }

  protected update(update: Update<NAdamOptions>): void {
    const { betas, eps, momentumDecay, decoupledWeightDecay } = update.group.options;
    const [beta1, beta2] = betas;
    this.dispatch(nadam, update, {
      params: {
        beta1,
        beta2,
        rest1: 1 - beta1,
        rest2: 1 - beta2,
        log_beta2: Math.log(beta2),
        eps,
        decay: momentumDecay * Math.log(0.96),
      },
      defines: { DECOUPLED: decoupledWeightDecay ? 1 : 0 },
      moved: 7,
    });
  }
}
