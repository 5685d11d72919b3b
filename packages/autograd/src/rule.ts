/**
 * Gradient rules: one per op. A rule runs the forward, saves what its backward reads, and returns both. An op without a rule gets
 * its gradient through the ops that it calls.
 */
import { PackedSequences, Tensor } from '@mudpt/tensor/functions';
import { isFloat, type Op } from '@mudpt/tensor/kernels';

// A function type with parameters of any kind needs `never` here: parameters are contravariant.
type AnyFunction = (...args: never[]) => unknown;

/** The tape's interface for a rule while it runs the forward. */
export type RuleContext = {
  /**
   * Whether a gradient is needed for `value`, or for a tensor inside it. A rule computes and saves only what needed gradients read:
   * frozen weights cost no kernel and keep no input.
   */
  needs(value: unknown): boolean;
  /** Keeps a handle of `value` until the backward has run. The backward may read saved handles only: the caller may dispose its tensors. */
  save<T extends Tensor | undefined>(value: T): T;
  /** Takes over an object that is not a tensor but holds memory: it is disposed when the backward has run. */
  saveResource<T extends Disposable | undefined>(value: T): T;
};

/** Gradients in the order of the inputs; undefined (or a shorter list) where none is needed. */
export type InputGradients = readonly (Tensor | undefined)[];

type OneOutput = { readonly output: Tensor; backward(grad: Tensor): InputGradients };
type ManyOutputs<R> = {
  readonly output: R;
  /** One gradient for every floating tensor in `output`, in order; undefined for those the loss does not depend on. */
  backward(...grads: (Tensor | undefined)[]): InputGradients;
};

/**
 * The result of a rule. `backward` runs without recording, in a separate scope, so it disposes nothing. It may return gradients in the
 * shape and dtype of the output where an input was broadcast or promoted; the tape sums them to the input's shape and casts them. Gradients in f32 of
 * f16 tensors that came from an op stay f32 on their way, so that small ones are not lost: only those that are reported are cast.
 */
export type RuleResult<R> = (R extends Tensor ? OneOutput : ManyOutputs<R>) & {
  /** The tensors `backward` returns gradients for. Default: all tensors among the arguments, in order. */
  readonly inputs?: readonly (Tensor | undefined)[];
  /** Whether `backward` takes gradients in f32 of outputs in f16. Default false: the tape casts them for it. */
  readonly takesF32?: boolean;
};

/** How an op of type F is differentiated. */
export type Rule<F extends AnyFunction> = (context: RuleContext, ...args: Parameters<F>) => RuleResult<ReturnType<F>>;
export type AnyRule = (context: RuleContext, ...args: readonly unknown[]) => RuleResult<unknown>;

/** Optional parts of a rule. */
export type RuleOptions<F extends AnyFunction> = {
  /**
   * The same function made of ops. A tape records it instead of the rule where a tape outside of it needs the gradient's own gradient: for
   * rules whose forward or backward dispatches kernels.
   */
  readonly composition?: F;
  /** Which calls the op itself makes of other ops: tapes record these instead of the rule. */
  readonly isComposed?: (...args: Parameters<F>) => boolean;
};

const rules = new WeakMap<Op, AnyRule>();
const compositions = new WeakMap<Op, AnyFunction>();
const composedCalls = new WeakMap<Op, (...args: readonly unknown[]) => boolean>();
const constant = new WeakSet<Op>();
const needed = new WeakMap<object, readonly Op[]>();

/**
 * Gives `op` a gradient. The tape does not record the ops that the rule calls; a tape outside of it does, which makes a rule of ops
 * differentiable again.
 */
export function defineRule<F extends AnyFunction>(
  op: Op<F>,
  rule: Rule<F>,
  { composition, isComposed }: RuleOptions<F> = {},
): void {
  rules.set(op as unknown as Op, rule as unknown as AnyRule);
  if (composition) compositions.set(op as unknown as Op, composition);
  if (isComposed) composedCalls.set(op as unknown as Op, isComposed as (...args: readonly unknown[]) => boolean);
}

/** A rule that tapes know once it is used: see {@link useRules}. */
export type OpRule = {
  /** The ops it is for, those that are known before it is used. */
  readonly ops: readonly Op[];
  use(): void;
};

/** The rule of `op` as a value, so that a bundle carries only rules of the ops in it. A rule that `op` has already stays. */
/* @__NO_SIDE_EFFECTS__ */
export function ruleFor<F extends AnyFunction>(
  op: Op<F>,
  rule: Rule<F>,
  options: Pick<RuleOptions<F>, 'isComposed'> = {},
): OpRule {
  return {
    ops: [op as unknown as Op],
    use: () => {
      if (!rules.has(op as unknown as Op)) defineRule(op, rule, options);
    },
  };
}

/** The composition of `op` (see {@link RuleOptions}) as a value: only derivatives of gradients need it. */
/* @__NO_SIDE_EFFECTS__ */
export function compositionFor<F extends AnyFunction>(op: Op<F>, composition: F): OpRule {
  return { ops: [op as unknown as Op], use: () => void compositions.set(op as unknown as Op, composition) };
}

/** Lets tapes differentiate by `list`. The main entry does it with all rules there are, `@mudpt/autograd/functions` with those of the ops in use. */
export function useRules(...list: readonly OpRule[]): void {
  for (const rule of list) rule.use();
}

/** Several rules as one. */
/* @__NO_SIDE_EFFECTS__ */
export function together(...list: readonly OpRule[]): OpRule {
  return { ops: list.flatMap(({ ops }) => ops), use: () => useRules(...list) };
}

/** `op`, differentiated by the rules of itself and of the ops that it calls. */
/* @__NO_SIDE_EFFECTS__ */
export function withRules<O extends object>(op: O, ...list: readonly OpRule[]): O {
  const all = together(...list);
  all.use();
  needed.set(op, all.ops);
  return op;
}

/** The ops whose rules {@link withRules} has given to `op`. */
export function rulesWith(op: object): readonly Op[] {
  return needed.get(op) ?? [];
}

/** `op`, through which no gradient flows. */
/* @__NO_SIDE_EFFECTS__ */
export function constantOp<O extends Op>(op: O): O {
  withoutGradient(op);
  return op;
}

/** Finds the rules of ops that carry the data their rule follows from: pointwise ops carry their row of the table. */
type RuleFinder = (op: Op) => AnyRule | undefined;
let findRule: RuleFinder = () => undefined;

export function useFinder(find: RuleFinder): void {
  findRule = find;
}

/** See {@link RuleOptions}. */
export function compositionOf(op: Op): AnyFunction | undefined {
  return compositions.get(op);
}

/** Declares that no gradient flows through `ops`: their results count as constants. */
export function withoutGradient(...ops: readonly Op[]): void {
  for (const op of ops) constant.add(op);
}

export function ruleOf(op: Op): AnyRule | undefined {
  const known = rules.get(op) ?? findRule(op);
  if (known) rules.set(op, known);
  return known;
}

/** The rule that a tape runs for a call: none where the op makes it of other ops. */
export function ruleOfCall(op: Op, args: readonly unknown[]): AnyRule | undefined {
  return composedCalls.get(op)?.(...args) ? undefined : ruleOf(op);
}

export function isConstantOp(op: Op): boolean {
  return constant.has(op);
}

/** All tensors in arguments or a result, in order, repeated ones too; plain objects and arrays are walked. */
export function tensorsIn(value: unknown, found: Tensor[] = []): Tensor[] {
  if (value instanceof Tensor) found.push(value);
  else if (Array.isArray(value)) for (const item of value) tensorsIn(item, found);
  else if (isPlain(value)) for (const key in value) tensorsIn(value[key], found);
  return found;
}

/** Parts of arguments that their owner disposes. */
export type Handle = Tensor | PackedSequences;

/** A copy of arguments with every handle replaced; plain objects and arrays are walked. */
export function mapHandles<T>(value: T, replace: (handle: Handle) => Handle): T {
  if (value instanceof Tensor || value instanceof PackedSequences) return replace(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => mapHandles(item, replace)) as T;
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapHandles(item, replace)])) as T;
}

/** Whether `value` is a plain object: of options, of tensors by name. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Only floating tensors carry gradients. */
export function carriesGradient(tensor: Tensor): boolean {
  return isFloat(tensor.dtype);
}
