import { optimRmspropWgsl } from '@mudpt/shaders';
import { type Tensor, TensorError } from '@mudpt/tensor/functions';
import { shaderKernel } from '@mudpt/tensor/kernels';
import { expectMoments } from './moments.ts';
import { Optimizer, type Update } from './optimizer.ts';
import { COMMON, type CommonOptions, type Group } from './options.ts';

const rmsprop = shaderKernel({ name: 'optim.rmsprop', source: optimRmspropWgsl, strided: true });

/** Options of {@link RMSprop}, by the names of PyTorch. */
export type RMSpropOptions = CommonOptions & {
  /** Decay of the average of squares. */
  readonly alpha: number;
  readonly eps: number;
  /** Default 0: no momentum buffer. */
  readonly momentum: number;
  /** Whether squares are taken around the average gradient. */
  readonly centered: boolean;
};

/** RMSprop as torch.optim.RMSprop; one dispatch for each group. lr 0.01, alpha 0.99, eps 1e-8. */
export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(parameters: readonly Tensor[] | readonly Group<RMSpropOptions>[], options: Partial<RMSpropOptions> = {}) {
    super(parameters, { lr: 0.01, ...COMMON, alpha: 0.99, eps: 1e-8, momentum: 0, centered: false }, options);
  }

  protected validate({ alpha, eps, momentum }: RMSpropOptions): void {
    expectMoments('RMSprop', { alpha }, eps);
    if (!(momentum >= 0)) throw new TensorError('RMSprop', `momentum is ${momentum}`, 'give a number of at least 0');
  }

  protected stateNames({ momentum, centered }: RMSpropOptions): readonly string[] {
    return ['v', ...(centered ? ['average'] : []), ...(momentum === 0 ? [] : ['m'])];
  }

  protected countsSteps(): boolean {
    return false;
  }

  protected update(update: Update<RMSpropOptions>): void {
    const { alpha, eps, momentum, centered } = update.group.options;
    this.dispatch(rmsprop, update, {
      params: { alpha, rest: 1 - alpha, momentum, eps },
      defines: { CENTERED: centered ? 1 : 0, MOMENTUM: momentum === 0 ? 0 : 1 },
      moved: 5 + (centered ? 2 : 0) + (momentum === 0 ? 0 : 2),
    });
  }
}
