/** Options of optimizers: those that all of them have, their groups of parameters, and checks. */
import { type Tensor, TensorError } from '@mudpt/tensor/functions';
import { expectOptions } from '@mudpt/tensor/kernels';

/** A learning rate: a number becomes a constant of a captured step, a tensor of one element can change from replay to replay. */
export type Rate = number | Tensor;

/** Parameters, and the options that differ for them. */
export type Group<O> = { readonly parameters: readonly Tensor[] } & Partial<O>;

/** What may differ from step to step. */
export type StepOptions = {
  /** Replaces the learning rate of every group for this step, or those of the groups in order; a group's `lrFactor` still multiplies it. */
  readonly lr?: Rate | readonly Rate[];
};

/** Options of every optimizer. */
export type CommonOptions = {
  readonly lr: Rate;
  /** Multiplies the learning rate of a group, whichever way it is given. Default 1. */
  readonly lrFactor: number;
  readonly weightDecay: number;
  /** Whether the parameters climb instead of descending. Default false. */
  readonly maximize: boolean;
};

/** Defaults of {@link CommonOptions} but the learning rate. */
export const COMMON = { lrFactor: 1, weightDecay: 0, maximize: false } as const;

type AnyGroup = { readonly parameters: readonly Tensor[] };

/**
 * The groups that a caller gave: one for a plain list of parameters.
 * @throws TensorError for anything but a list, or an empty one
 */
export function groupsOf(parameters: readonly Tensor[] | readonly AnyGroup[]): readonly AnyGroup[] {
  if (!Array.isArray(parameters))
    throw new TensorError('optimizer', 'its parameters are no list', 'give module.parameters(), or a list of groups');
  const groups = isTensors(parameters) ? [{ parameters }] : parameters;
  if (groups.length === 0) throw new TensorError('optimizer', 'there is nothing to learn', 'give parameters or groups');
  return groups;
}

/** All options of a group: those it names itself, then those of the caller, then the defaults. @throws TensorError for unknown options, and for rates out of range */
export function optionsOf<O extends CommonOptions>(group: AnyGroup, given: Partial<O>, defaults: O): O {
  expectOptions('optimizer', { ...group }, ['parameters', ...Object.keys(defaults)]);
  const options = { ...defaults, ...withoutUndefined(given), ...withoutUndefined(group) } as O;
  expectRates(options);
  return options;
}

function isTensors(list: readonly Tensor[] | readonly AnyGroup[]): list is readonly Tensor[] {
  const [first] = list;
  return first !== undefined && 'storage' in first;
}

function expectRates({ lr, weightDecay }: CommonOptions): void {
  const rate = typeof lr === 'number' ? lr : 0;
  if (rate >= 0 && Number.isFinite(rate) && weightDecay >= 0 && Number.isFinite(weightDecay)) return;
  throw new TensorError('optimizer', `lr is ${String(lr)}, weightDecay ${weightDecay}`, 'give finite numbers from 0 up');
}

function withoutUndefined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null));
}
