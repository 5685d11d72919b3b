/** The base class of optimizers: groups of parameters, their states, a step. A subclass adds its kernel's defines and parameters. */
import { full, keep, ShapeError, type Tensor, TensorError, zeros } from '@mudpt/tensor/functions';
import { expectOptions, grid1d, type Kernel, workPerThread } from '@mudpt/tensor/kernels';
import type { Gradients } from '../tape/gradients.ts';
import { Arena } from './arena.ts';
import { type CommonOptions, type Group, groupsOf, optionsOf, type Rate, type StepOptions } from './options.ts';
import { type GroupState, loadStateDict, stateDictOf } from './state-dict.ts';

/** Inputs of one update, other than its states. */
export type Update<O> = {
  readonly group: GroupState<O>;
  readonly buffers: Readonly<Record<string, Tensor>>;
  readonly params: Readonly<Record<string, number>>;
  readonly defines: Readonly<Record<string, number>>;
};

/** What optimizers share: parameters side by side in one buffer per group, so that a step is one dispatch for each, and their state. */
export abstract class Optimizer<O extends CommonOptions> {
  readonly groups: readonly GroupState<O>[];

  /**
   * Moves the parameters into one buffer per group.
   * @param parameters a list, or groups with the options that differ for them
   * @param defaults every option of the optimizer, with its default
   * @param given those of the caller
   * @throws TensorError for an option there is not
   */
  constructor(parameters: readonly Tensor[] | readonly Group<O>[], defaults: O, given: Partial<O> = {}) {
    const groups = groupsOf(parameters);
    expectOptions('optimizer', given, Object.keys(defaults));
    this.groups = groups.map((group) => {
      const options = optionsOf(group, given, defaults);
      this.validate(options);
      const arena = new Arena(group.parameters);
      const { device } = arena.flat;
      const states = Object.fromEntries(
        this.stateNames(options).map((name) => [name, arena.state(this.firstValue(name, options))]),
      );
      const steps = this.countsSteps(options) ? keep(zeros([arena.blocks], { dtype: 'u32', device })) : undefined;
      const blockStates = Object.fromEntries(
        this.blockStateNames(options).map((name) => [
          name,
          keep(full([arena.blocks], this.firstValue(name, options), { device })),
        ]),
      );
      return { arena, options, states, steps, blockStates };
    });
  }

  /** Throws for options that exclude each other, before anything is created. */
  protected abstract validate(options: O): void;
  protected abstract stateNames(options: O): readonly string[];
  protected abstract countsSteps(options: O): boolean;

  /** States of one number for each parameter. Default: none. */
  protected blockStateNames(_options: O): readonly string[] {
    return [];
  }

  /** What a state begins with everywhere. Default 0. */
  protected firstValue(_state: string, _options: O): number {
    return 0;
  }

  /** Records the update of one group. */
  protected abstract update(update: Update<O>): void;

  /**
   * Updates every parameter that has a gradient: one dispatch for each group, after those that bring its gradients side by side.
   * A parameter without one keeps its value, state and step count.
   * @throws TensorError when none of the parameters has a gradient, or another optimizer has taken one over
   */
  step(gradients: Gradients, options: StepOptions = {}): void {
    if (!(gradients instanceof Map))
      throw new TensorError(
        'optimizer',
        'it got no gradients',
        'give those of lossAndGradients or tape.backward to step(gradients)',
      );
    expectOptions('optimizer', options, ['lr']);
    const rates = this.ratesOf(options.lr);
    if (!this.groups.some(({ arena }) => arena.parameters.some((parameter) => gradients.has(parameter))))
      throw new TensorError(
        'optimizer',
        'none of its parameters has a gradient',
        'give it the parameters that the loss depends on, and the gradients of that loss',
      );
    for (const { arena } of this.groups) arena.expectPlaced();
    for (const [which, group] of this.groups.entries()) {
      const { arena, options: settings, states, steps, blockStates } = group;
      const { flat, missing } = arena.pack(gradients);
      using packed = flat;
      if (missing.length === arena.parameters.length) continue;
      using mask = missing.length > 0 ? arena.mask(missing) : undefined;
      const rate = rates?.[which] ?? settings.lr;
      if (typeof rate === 'object' && rate.size !== 1)
        throw new ShapeError('optimizer', `lr has ${rate.size} elements`, 'give a number or a tensor of one element');
      this.update({
        group,
        buffers: {
          p: arena.flat,
          g: packed,
          ...states,
          ...blockStates,
          ...(steps && { steps }),
          ...(mask && { mask }),
          ...(typeof rate === 'object' && { rate }),
        },
        params: {
          blocks: arena.blocks,
          rate_offset: typeof rate === 'object' ? rate.offset : 0,
          lr: (typeof rate === 'object' ? 1 : rate) * settings.lrFactor,
          weight_decay: settings.weightDecay,
        },
        defines: {
          RATE: typeof rate === 'object' ? 1 : 0,
          MASK: mask ? 1 : 0,
          MAXIMIZE: settings.maximize ? 1 : 0,
          COUNT: steps ? 1 : 0,
          WG: workPerThread(arena.flat.device, 'optimizer', 'flat').group,
        },
      });
    }
  }

  /**
   * Records one dispatch of `rule`, a workgroup for each block.
   * @param more.moved f32 that the rule reads and writes for each element, for the profiler
   */
  protected dispatch(
    rule: Kernel,
    { group, buffers, params, defines }: Update<O>,
    more: {
      readonly params: Readonly<Record<string, number>>;
      readonly defines?: Readonly<Record<string, number>>;
      readonly moved: number;
    },
  ): void {
    const { flat, blocks } = group.arena;
    rule.dispatch(flat.device, {
      buffers,
      params: { ...params, ...more.params },
      grid: grid1d(blocks, 1),
      defines: { ...defines, ...more.defines },
      bytes: 4 * more.moved * flat.size,
    });
  }

  /** The rates of a step by group. @throws TensorError for a list of another length than the groups' */
  private ratesOf(lr: StepOptions['lr']): readonly Rate[] | undefined {
    if (lr === undefined) return undefined;
    if (!isRates(lr)) return this.groups.map(() => lr);
    if (lr.length !== this.groups.length)
      throw new TensorError(
        'optimizer',
        `lr lists ${lr.length} rates for ${this.groups.length} groups`,
        'give one rate for all groups, or one for each',
      );
    return lr;
  }

  /**
   * States as views in the parameters' shapes, to save and to read: `momentum.weight`, `step.weight`. With several groups, names begin
   * with the group's number. Dispose them.
   */
  stateDict(): Record<string, Tensor> {
    return stateDictOf(this.groups);
  }

  /** Takes over saved states. @throws TensorError when names differ, ShapeError when shapes do */
  loadStateDict(dict: Readonly<Record<string, Tensor>>): void {
    loadStateDict(this.groups, dict);
  }

  /** Releases states and buffers; the parameters keep their values. */
  dispose(): void {
    for (const { arena, states, steps, blockStates } of this.groups) {
      arena.dispose();
      for (const state of [...Object.values(states), ...Object.values(blockStates)]) state.dispose();
      steps?.dispose();
    }
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function isRates(lr: Rate | readonly Rate[]): lr is readonly Rate[] {
  return Array.isArray(lr);
}
