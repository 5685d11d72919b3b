import { optimAdagradWgsl } from '@mudpt/shaders';
import { type Tensor, TensorError } from '@mudpt/tensor/functions';
import { shaderKernel } from '@mudpt/tensor/kernels';
import { Optimizer, type Update } from './optimizer.ts';
import { COMMON, type CommonOptions, type Group } from './options.ts';

const adagrad = shaderKernel({ name: 'optim.adagrad', source: optimAdagradWgsl, strided: true });

/** Options of {@link Adagrad}, by the names of PyTorch. */
export type AdagradOptions = CommonOptions & {
  /** The rate of update t, from 1, is lr / (1 + (t - 1) lrDecay). Default 0. */
  readonly lrDecay: number;
  /** What the sums of squares begin with. Default 0. */
  readonly initialAccumulator: number;
  readonly eps: number;
};

/** Adagrad as torch.optim.Adagrad; one dispatch for each group. lr 0.01, eps 1e-10. */
export class Adagrad extends Optimizer<AdagradOptions> {
  constructor(parameters: readonly Tensor[] | readonly Group<AdagradOptions>[], options: Partial<AdagradOptions> = {}) {
    super(parameters, { lr: 0.01, ...COMMON, lrDecay: 0, initialAccumulator: 0, eps: 1e-10 }, options);
  }

  protected validate({ lrDecay, initialAccumulator, eps }: AdagradOptions): void {
    if (lrDecay >= 0 && initialAccumulator >= 0 && eps >= 0) return;
    throw new TensorError(
      'Adagrad',
      `lrDecay is ${lrDecay}, initialAccumulator ${initialAccumulator}, eps ${eps}`,
      'give numbers from 0 up',
    );
  }

  protected stateNames(): readonly string[] {
    return ['v'];
  }

  protected countsSteps({ lrDecay }: AdagradOptions): boolean {
    return lrDecay !== 0;
  }

  protected override firstValue(_state: string, { initialAccumulator }: AdagradOptions): number {
    return initialAccumulator;
  }

  protected update(update: Update<AdagradOptions>): void {
    const { lrDecay, eps } = update.group.options;
    this.dispatch(adagrad, update, { params: { lr_decay: lrDecay, eps }, moved: 5 });
  }
}
