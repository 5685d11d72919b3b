import { optimLionWgsl } from '@mudpt/shaders';
import type { Tensor } from '@mudpt/tensor/functions';
import { shaderKernel } from '@mudpt/tensor/kernels';
import { expectMoments } from './moments.ts';
import { Optimizer, type Update } from './optimizer.ts';
import { COMMON, type CommonOptions, type Group } from './options.ts';

const lion = shaderKernel({ name: 'optim.lion', source: optimLionWgsl, strided: true });

/** Options of {@link Lion}. */
export type LionOptions = CommonOptions & {
  /** Decay of the momentum as the step uses it, and as it is kept. */
  readonly betas: readonly [number, number];
};

/** Lion (Chen et al. 2023): steps of equal size by the sign of a momentum, decoupled weight decay; one dispatch for each group. lr 1e-4, betas 0.9 and 0.99. */
export class Lion extends Optimizer<LionOptions> {
  constructor(parameters: readonly Tensor[] | readonly Group<LionOptions>[], options: Partial<LionOptions> = {}) {
    super(parameters, { lr: 1e-4, ...COMMON, betas: [0.9, 0.99] }, options);
  }

  protected validate({ betas: [beta1, beta2] }: LionOptions): void {
    expectMoments('Lion', { beta1, beta2 });
  }

  protected stateNames(): readonly string[] {
    return ['m'];
  }

  protected countsSteps(): boolean {
    return false;
  }

  protected update(update: Update<LionOptions>): void {
    const [beta1, beta2] = update.group.options.betas;
    this.dispatch(lion, update, { params: { beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2 }, moved: 5 });
  }
}
