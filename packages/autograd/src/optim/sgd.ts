import { optimSgdWgsl } from '@mudpt/shaders';
import { type Tensor, TensorError } from '@mudpt/tensor/functions';
import { shaderKernel } from '@mudpt/tensor/kernels';
import { Optimizer, type Update } from './optimizer.ts';
import { COMMON, type CommonOptions, type Group } from './options.ts';

const sgd = shaderKernel({ name: 'optim.sgd', source: optimSgdWgsl, strided: true });

/** Options of {@link SGD}, by the names of PyTorch. */
export type SGDOptions = CommonOptions & {
  /** Default 0: no momentum buffer. */
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
};

/**
 * Stochastic gradient descent as torch.optim.SGD; one dispatch for each group.
 * @example
 * const w = parameter(tensor([1]));
 * const optimizer = new SGD([w], { lr: 0.25 });
 * optimizer.step(lossAndGradients(() => w.square().sum()).gradients);
 * console.log(await w.item()); // 0.5
 */
export class SGD extends Optimizer<SGDOptions> {
  /** @throws TensorError for nesterov without momentum or with dampening */
  constructor(
    parameters: readonly Tensor[] | readonly Group<SGDOptions>[],
    options: Pick<SGDOptions, 'lr'> & Partial<SGDOptions>,
  ) {
    super(parameters, { lr: Number.NaN, ...COMMON, momentum: 0, dampening: 0, nesterov: false }, options);
  }

  protected validate({ nesterov, momentum, dampening }: SGDOptions): void {
    if (!(momentum >= 0)) throw new TensorError('SGD', `momentum is ${momentum}`, 'give a number of at least 0');
    if (nesterov && (momentum <= 0 || dampening !== 0))
      throw new TensorError('SGD', 'nesterov needs momentum and no dampening', 'set momentum above 0 and dampening to 0');
  }

  protected stateNames({ momentum }: SGDOptions): readonly string[] {
    return momentum === 0 ? [] : ['m'];
  }

  // The first momentum is the gradient itself; starting from 0 differs only when it is dampened.
  protected countsSteps({ momentum, dampening }: SGDOptions): boolean {
    return momentum !== 0 && dampening !== 0;
  }

  protected update(update: Update<SGDOptions>): void {
    const { momentum, dampening, nesterov } = update.group.options;
    this.dispatch(sgd, update, {
      params: { momentum, dampening },
      defines: { MOMENTUM: momentum === 0 ? 0 : 1, NESTEROV: nesterov ? 1 : 0 },
      moved: momentum === 0 ? 3 : 5,
    });
  }
}
