/** The update rule of training settings. */
import { Adam, AdamW, type CommonOptions, type Optimizer, SGD } from '@mudpt/autograd';
import type { Tensor } from '@mudpt/tensor';
import type { TrainingSettings } from '../methods/index.ts';

/** An optimizer of the training settings. */
export type StepOptimizer = Optimizer<CommonOptions>;

/**
 * As torch.optim has them: SGD without dampening, Adam with the weight decay in the gradient, AdamW with it apart.
 * @param factors of the learning rate; parameters with one factor are one group
 */
export function optimizerOf(
  learnable: readonly Tensor[],
  {
    optimizer,
    lr,
    weightDecay,
    momentum,
    adamEps: eps,
    adamBetas: betas,
  }: Pick<TrainingSettings, 'optimizer' | 'lr' | 'weightDecay' | 'momentum' | 'adamEps' | 'adamBetas'>,
  factors: ReadonlyMap<Tensor, number> = new Map(),
): StepOptimizer {
  const parameters = grouped(learnable, factors);
  if (optimizer === 'sgd') return new SGD(parameters, { lr, weightDecay, momentum });
  const Rule = optimizer === 'adam' ? Adam : AdamW;
  return new Rule(parameters, { lr, weightDecay, eps, betas });
}

/** The list as it is where one rate holds for all, so that states keep their names. */
function grouped(
  learnable: readonly Tensor[],
  factors: ReadonlyMap<Tensor, number>,
): readonly Tensor[] | readonly { readonly parameters: readonly Tensor[]; readonly lrFactor: number }[] {
  if (factors.size === 0) return learnable;
  const groups = new Map<number, Tensor[]>();
  for (const parameter of learnable) {
    const lrFactor = factors.get(parameter) ?? 1;
    const group = groups.get(lrFactor) ?? [];
    groups.set(lrFactor, [...group, parameter]);
  }
  return [...groups].map(([lrFactor, parameters]) => ({ parameters, lrFactor }));
}
