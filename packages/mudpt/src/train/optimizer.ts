/** The update rule of training settings. */
import { Adam, AdamW, type CommonOptions, type Optimizer, SGD } from '@mudpt/autograd';
import type { Tensor } from '@mudpt/tensor';
import type { TrainingSettings } from '../methods/index.ts';

export type StepOptimizer = Optimizer<CommonOptions>;

/** As torch.optim has them: SGD without dampening, Adam with the weight decay in the gradient, AdamW with it apart. */
export function optimizerOf(
  parameters: readonly Tensor[],
  {
    optimizer,
    lr,
    weightDecay,
    momentum,
    adamEps: eps,
    adamBetas: betas,
  }: Pick<TrainingSettings, 'optimizer' | 'lr' | 'weightDecay' | 'momentum' | 'adamEps' | 'adamBetas'>,
): StepOptimizer {
  if (optimizer === 'sgd') return new SGD(parameters, { lr, weightDecay, momentum });
  const Rule = optimizer === 'adam' ? Adam : AdamW;
  return new Rule(parameters, { lr, weightDecay, eps, betas });
}
