import { optimAdadeltaWgsl } from '@mudpt/shaders';
import type { Tensor } from '@mudpt/tensor/functions';
import { shaderKernel } from '@mudpt/tensor/kernels';
import { expectMoments } from './moments.ts';
import { Optimizer, type Update } from './optimizer.ts';
import { COMMON, type CommonOptions, type Group } from './options.ts';

const adadelta = shaderKernel({ name: 'optim.adadelta', source: optimAdadeltaWgsl, strided: true });

/** Options of {@link Adadelta}, by the names of PyTorch. */
export type AdadeltaOptions = CommonOptions & {
  /** Decay of both averages: of squared gradients and of squared steps. */
  readonly rho: number;
  readonly eps: number;
};

/** Adadelta as torch.optim.Adadelta; one dispatch for each group. lr 1, rho 0.9, eps 1e-6. */
export class Adadelta extends Optimizer<AdadeltaOptions> {
  constructor(parameters: readonly Tensor[] | readonly Group<AdadeltaOptions>[], options: Partial<AdadeltaOptions> = {}) {
    super(parameters, { lr: 1, ...COMMON, rho: 0.9, eps: 1e-6 }, options);
  }

  protected validate({ rho, eps }: AdadeltaOptions): void {
    expectMoments('Adadelta', { rho }, eps);
  }

  protected stateNames(): readonly string[] {
    return ['v', 'u'];
  }

  protected countsSteps(): boolean {
    return false;
  }

  protected update(update: Update<AdadeltaOptions>): void {
    const { rho, eps } = update.group.options;
    this.dispatch(adadelta, update, { params: { rho, rest: 1 - rho, eps }, moved: 7 });
  }
}
