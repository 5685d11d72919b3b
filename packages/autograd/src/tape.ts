/**
 * The tape: what happened, in order, and how to undo it for gradients.
 *
 * While a tape is open, the hook of `defineOp` shows it every op. If an argument needs a gradient, the op's rule runs the forward and
 * leaves a closure; `backward` calls the closures in reverse and adds up what arrives at each tensor. A *slot* stands for one tensor
 * handle in that bookkeeping, so that handles may be disposed while their gradients are still to come.
 */
import {
  alias,
  currentHook,
  installHook,
  keep,
  ones,
  type Op,
  type OpHook,
  ShapeError,
  type Tensor,
  TensorError,
  withHook,
} from '@mudpt/tensor';
import { type Entry, type Pending, release, type Slot, stepBack } from './entry.ts';
import { Gradients } from './gradients.ts';
import { isTrainable } from './parameter.ts';
import { type AnyRule, carriesGradient, isConstantOp, type RuleContext, ruleOf, tensorsIn } from './rule.ts';

const open: Tape[] = [];

/** The innermost open tape. */
export function currentTape(): Tape | undefined {
  return open.at(-1);
}

function slotFor({ shape, dtype }: Tensor, watched: Tensor | undefined): Slot {
  return { shape, dtype, watched };
}

/**
 * Records ops from its creation until it is disposed.
 *
 * ```ts
 * using tape = new Tape();
 * using loss = crossEntropy(model.forward(x), labels);
 * using gradients = tape.backward(loss);
 * ```
 */
export class Tape {
  private readonly slots = new WeakMap<Tensor, Slot>();
  private entries: Entry[] = [];
  private readonly hook: Disposable;

  constructor() {
    this.hook = installHook(this.intercept);
    open.push(this);
  }

  /** Number of recorded ops. */
  get length(): number {
    return this.entries.length;
  }

  /** Whether ops called now are shown to this tape: not inside {@link noGrad}, nor in the first run of a checkpoint. */
  get isListening(): boolean {
    return currentHook() === this.intercept;
  }

  /** Bytes of memory kept alive for the backward; shared memory counts once. */
  get savedBytes(): number {
    const storages = new Set(this.entries.flatMap((entry) => entry.saved.map((tensor) => tensor.storage)));
    return [...storages].reduce((sum, storage) => sum + storage.bytes, 0);
  }

  /** Asks for the gradient of `tensor` too: an input, or an intermediate result just computed. Returns it. */
  watch<T extends Tensor>(tensor: T): T {
    const slot = this.slots.get(tensor);
    if (slot) slot.watched = tensor;
    else this.slots.set(tensor, slotFor(tensor, tensor));
    return tensor;
  }

  /** Whether a gradient is needed for `tensor`. */
  needs(tensor: Tensor): boolean {
    return this.slots.has(tensor) || isTrainable(tensor);
  }

  /** The slot of a tensor that needs a gradient. */
  slotOf(tensor: Tensor): Slot | undefined {
    const known = this.slots.get(tensor);
    if (known || !isTrainable(tensor)) return known;
    this.watch(tensor);
    return this.slots.get(tensor);
  }

  /** Lets `tensor` stand for a slot of another tape. */
  bind(tensor: Tensor, slot: Slot): void {
    this.slots.set(tensor, slot);
  }

  /** Appends an entry whose outputs are the floating tensors in `result`. */
  push(entry: Omit<Entry, 'outputs'>, result: unknown): void {
    const outputs = tensorsIn(result)
      .filter(carriesGradient)
      .map((tensor) => {
        const slot = slotFor(tensor, undefined);
        this.slots.set(tensor, slot);
        return slot;
      });
    this.entries.push({ ...entry, outputs });
  }

  /**
   * Gradients of `loss` for all parameters and watched tensors it depends on. Uses up the tape: what was saved is released.
   * @param cotangent gradient of `loss` itself, of its shape; default 1, for a loss of one element
   */
  backward(loss: Tensor, cotangent?: Tensor): Gradients {
    loss.expectLive('backward');
    const slot = this.slotOf(loss);
    if (!slot) {
      throw new TensorError(
        'backward',
        'the loss depends on no parameter',
        'mark tensors with parameter() or tape.watch() before computing it',
      );
    }
    const seedShape = cotangent?.shape ?? loss.shape;
    if ((!cotangent && loss.size !== 1) || seedShape.join() !== loss.shape.join()) {
      throw new ShapeError(
        'backward',
        `loss of shape [${loss.shape.join(', ')}] ${cotangent ? `and cotangent [${seedShape.join(', ')}]` : 'without cotangent'}`,
        cotangent ? 'give a cotangent of the shape of the loss' : 'reduce the loss to one element, or give a cotangent',
      );
    }
    const seed = cotangent ? alias(cotangent) : ones(loss.shape, { device: loss.device, dtype: loss.dtype });
    const pending: Pending = new Map([[slot, keep(seed)]]);
    this.unwind(pending);
    const gradients = new Gradients();
    for (const [{ watched }, gradient] of pending) {
      if (watched) gradients.set(watched, alias(gradient)); // a new handle, so that it belongs to the caller's scope
      gradient.dispose();
    }
    return gradients;
  }

  /** Runs all entries backward; gradients of what has no entry stay in `pending`. */
  unwind(pending: Pending): void {
    try {
      withHook(undefined, () => {
        for (let entry = this.entries.pop(); entry; entry = this.entries.pop()) stepBack(entry, pending);
      });
    } catch (error) {
      for (const gradient of pending.values()) gradient.dispose();
      throw error;
    } finally {
      this.clear();
    }
  }

  /** Releases what is saved. */
  private clear(): void {
    for (const entry of this.entries) release(entry);
    this.entries = [];
  }

  dispose(): void {
    this.clear();
    this.hook[Symbol.dispose]();
    const at = open.lastIndexOf(this);
    if (at >= 0) open.splice(at, 1);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private readonly intercept: OpHook = (op, args) => {
    const inputs = tensorsIn(args);
    const plain = (): unknown => op.run(...(args as never[]));
    if (isConstantOp(op) || !inputs.some((tensor) => this.needs(tensor))) return withHook(undefined, plain);
    const rule = ruleOf(op);
    if (rule) return withHook(undefined, () => this.apply(op, rule, args, inputs));
    const result = plain();
    this.expectTracked(op, inputs, result);
    return result;
  };

  private apply(op: Op, rule: AnyRule, args: readonly unknown[], inputs: readonly Tensor[]): unknown {
    const saved: Tensor[] = [];
    const held: Disposable[] = [];
    const context: RuleContext = {
      needs: (value) => tensorsIn(value).some((tensor) => carriesGradient(tensor) && this.needs(tensor)),
      save: (value) => {
        if (!value) return value;
        const handle = keep(alias(value)) as NonNullable<typeof value>;
        saved.push(handle);
        return handle;
      },
      hold: (value) => {
        if (value) held.push(value);
        return value;
      },
    };
    try {
      const result = rule(context, ...args);
      const slots = (result.inputs ?? inputs).map((tensor) => tensor && this.slotOf(tensor));
      const backward: Entry['backward'] = (grads) => result.backward(...grads);
      this.push({ op: op.opName, inputs: slots, saved, held, backward }, result.output);
      return result.output;
    } catch (error) {
      release({ saved, held });
      throw error;
    }
  }

  /** A kernel between an input that needs a gradient and this result would cut the gradient off silently. */
  private expectTracked(op: Op, inputs: readonly Tensor[], result: unknown): void {
    const lost = tensorsIn(result).some((tensor) => carriesGradient(tensor) && !this.needs(tensor) && !inputs.includes(tensor));
    if (!lost) return;
    throw new TensorError(
      op.opName,
      `no gradient rule for ${op.opName}, and an argument needs a gradient`,
      'give it one with defineRule or customOp, declare it with withoutGradient, or call it on detach(x)',
    );
  }
}
