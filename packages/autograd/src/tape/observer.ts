/** The tape's op hook: an op with a rule runs by it and leaves an entry; work that would silently cut off a gradient is refused. */
import { alias, keep, type Tensor, TensorError } from '@mudpt/tensor/functions';
import { callUnder, type Listener, type OpHook, outerTape, withListener, type WorkHook } from '@mudpt/tensor/internal';
import type { Op } from '@mudpt/tensor/kernels';
import { type AnyRule, carriesGradient, compositionOf, isConstantOp, type RuleContext, ruleOfCall, tensorsIn } from '../rule.ts';
import { type Entry, release } from './entry.ts';
import { differentiatedTwice } from './twice.ts';
import type { Recording } from './recording.ts';
import type { Slots } from './slots.ts';
import type { Unrecorded } from './unrecorded.ts';

export class Observer {
  /** Ops that run now and are made of other ops, or have no rule; outermost first. */
  private readonly running: string[] = [];

  constructor(
    private readonly slots: Slots,
    private readonly recording: Recording,
    private readonly unrecorded: Unrecorded,
  ) {}

  readonly onOp: OpHook = (op, args, outer) => {
    if (this.recording.isClosed) return callUnder(outer, op, args);
    const inputs = tensorsIn(args);
    const result = this.carryOut(op, args, inputs, outer);
    if (this.unrecorded.isFollowing && !isConstantOp(op)) this.unrecorded.follow(inputs, tensorsIn(result));
    return result;
  };

  /** Work outside any op has no rule: where it takes part in what needs a gradient, the gradient would be cut off silently. */
  readonly onWork: WorkHook = (name, reads, writes, outer) => {
    if (!this.recording.isClosed) this.expectConstant(name, reads, writes);
    outer?.onWork?.(name, reads, writes, outerTape(outer));
  };

  private expectConstant(name: string, reads: readonly Tensor[], writes: readonly Tensor[]): void {
    const results = writes.filter(carriesGradient);
    const changed = results.some((tensor) => this.slots.needs(tensor));
    if (changed || (results.length > 0 && reads.some((tensor) => carriesGradient(tensor) && this.slots.needs(tensor)))) {
      const op = this.running.at(-1);
      if (op) throw noRule(op);
      throw new TensorError(
        name,
        changed
          ? 'it writes into a tensor that needs a gradient, which a tape cannot see'
          : 'no gradient flows through it, and a tensor that it reads needs one',
        'make it an op with customOp, give it detach(x), or call it in noGrad(() => ...) where its results count as constants',
      );
    }
    if (this.unrecorded.isFollowing) this.unrecorded.follow(reads, results);
  }

  private carryOut(op: Op, args: readonly unknown[], inputs: readonly Tensor[], outer: Listener | undefined): unknown {
    if (isConstantOp(op) || !inputs.some((tensor) => this.slots.needs(tensor))) return callUnder(outer, op, args);
    const rule = ruleOfCall(op, args);
    if (rule) {
      // Where the backward will be recorded too, an op with a fused backward is recorded as the ops that it is made of.
      const composition = outer && compositionOf(op);
      if (composition) return composition(...(args as never[]));
      return withListener(outer && differentiatedTwice(op.opName, outer), () => this.apply(op, rule, args, inputs, outer));
    }
    this.running.push(op.opName);
    try {
      const result = op.run(...(args as never[]));
      this.expectTracked(op.opName, inputs, result);
      return result;
    } finally {
      this.running.pop();
    }
  }

  private apply(
    op: Op,
    rule: AnyRule,
    args: readonly unknown[],
    inputs: readonly Tensor[],
    outer: Listener | undefined,
  ): unknown {
    const saved: Tensor[] = [];
    const savedResources: Disposable[] = [];
    const context: RuleContext = {
      needs: (value) => tensorsIn(value).some((tensor) => carriesGradient(tensor) && this.slots.needs(tensor)),
      save: (value) => {
        if (!value) return value;
        const handle = keep(alias(value)) as NonNullable<typeof value>;
        saved.push(handle);
        return handle;
      },
      saveResource: (value) => {
        if (value) savedResources.push(value);
        return value;
      },
    };
    try {
      const result = rule(context, ...args);
      const slots = (result.inputs ?? inputs).map((tensor) => tensor && this.slots.of(tensor));
      const backward: Entry['backward'] = (grads) => result.backward(...grads);
      const { takesF32 = false } = result;
      this.recording.push(
        { op: op.opName, inputs: slots, saved, savedResources, takesF32, backward },
        result.output,
        outer?.hook,
      );
      return result.output;
    } catch (error) {
      release({ saved, savedResources });
      throw error;
    }
  }

  /**
   * An op of which no result is tracked would cut the gradient off silently. Of several results some may not depend on the inputs that need one: kernels
   * between the two are refused where they run.
   */
  private expectTracked(op: string, inputs: readonly Tensor[], result: unknown): void {
    const made = tensorsIn(result).filter((tensor) => carriesGradient(tensor) && !inputs.includes(tensor));
    if (made.length > 0 && !made.some((tensor) => this.slots.needs(tensor))) throw noRule(op);
  }
}

function noRule(op: string): TensorError {
  return new TensorError(
    op,
    `no gradient rule for ${op}, and an argument needs a gradient`,
    'give it one with defineRule or customOp, declare it with withoutGradient, or call it on detach(x); of a bundle, import the op from @mudpt/autograd/functions',
  );
}
