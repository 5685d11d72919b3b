/**
 * The tape: what happened, in order, and how to undo it for gradients.
 *
 * While a tape is open, the hook of `defineOp` shows it every op. If an argument needs a gradient, the op's rule runs the forward and
 * leaves a closure; `backward` calls the closures in reverse and adds up what arrives at each tensor. A *slot* stands for one tensor
 * handle in that bookkeeping, so that handles may be disposed while their gradients are still to come.
 */
import { alias, keep, ones, ShapeError, type Tensor, TensorError } from '@mudpt/tensor';
import { Ambient, currentHook, installHook, type OpHook, withHook, type WorkHook } from '@mudpt/tensor/internal';
import type { Op } from '@mudpt/tensor/kernels';
import { type Entry, type Pending, release, type Slot, stepBack } from './entry.ts';
import { Gradients } from './gradients.ts';
import { isTrainable } from './parameter.ts';
import { type AnyRule, carriesGradient, isConstantOp, type RuleContext, ruleOf, tensorsIn } from './rule.ts';

const tapes = new Ambient<Tape>();

/** The innermost open tape. */
export function currentTape(): Tape | undefined {
  let tape = tapes.get();
  while (tape?.isClosed) tape = tape.surrounding;
  return tape;
}

function slotFor({ shape, dtype }: Tensor, watched: Tensor | undefined): Slot {
  return { shape, dtype, watched };
}

/**
 * Records ops from its creation until it is disposed, or inside of {@link record}. Tapes may be closed in any order; of several, the
 * innermost records.
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
  private readonly hook: Disposable | undefined;
  private closed = false;
  /** The tape this one was opened in. */
  readonly surrounding = currentTape();
  /** The tape that would see what this one sees instead. */
  private readonly hidden = currentHook() && this.surrounding;
  /** Tensors that depend on a gradient, or on what a tape inside this one recorded. */
  private readonly unrecorded = new WeakSet<Tensor>();
  private hasUnrecorded = false;
  /** Ops without a rule that run now, outermost first. */
  private readonly running: string[] = [];

  /** @param options.listen false: records nothing outside of {@link record}. Default true */
  constructor({ listen = true }: { readonly listen?: boolean } = {}) {
    if (!listen) return;
    this.hook = installHook(this.intercept, this.onWork);
    tapes.enter(this);
  }

  /**
   * Records what `body` does: the form that cannot be left open. In Node it follows what `body` awaits.
   * @throws TensorError for an asynchronous body in a page
   */
  record<T>(body: () => T): T {
    return tapes.run('record', this, () => withHook(this.intercept, body, { onWork: this.onWork, op: 'record' }));
  }

  get isClosed(): boolean {
    return this.closed;
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
    this.unrecorded.delete(tensor);
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
  push(entry: Omit<Entry, 'outputs' | 'versions'>, result: unknown): void {
    const outputs = tensorsIn(result)
      .filter(carriesGradient)
      .map((tensor) => {
        const slot = slotFor(tensor, undefined);
        this.slots.set(tensor, slot);
        return slot;
      });
    this.entries.push({ ...entry, outputs, versions: entry.saved.map(({ storage }) => storage.version) });
  }

  /**
   * Gradients of `loss` for all parameters and watched tensors it depends on. Uses up the tape: what was saved is released.
   * @param cotangent gradient of `loss` itself, of its shape; default 1, for a loss of one element
   */
  backward(loss: Tensor, cotangent?: Tensor): Gradients {
    loss.expectLive('backward');
    this.expectFirstOrder(loss);
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
    for (const gradient of gradients.values()) this.addUnrecorded(gradient);
    this.hide([loss], [...gradients.values()]);
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
    this.hook?.[Symbol.dispose]();
    this.closed = true;
    if (tapes.get() === this) tapes.enter(this.surrounding);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private readonly intercept: OpHook = (op, args) => {
    const inputs = tensorsIn(args);
    const result = this.carryOut(op, args, inputs);
    if ((this.hasUnrecorded || this.hidden) && !isConstantOp(op)) this.follow(inputs, tensorsIn(result));
    return result;
  };

  private carryOut(op: Op, args: readonly unknown[], inputs: readonly Tensor[]): unknown {
    const plain = (): unknown => op.run(...(args as never[]));
    if (isConstantOp(op) || !inputs.some((tensor) => this.needs(tensor))) return withHook(undefined, plain);
    const rule = ruleOf(op);
    if (rule) return withHook(undefined, () => this.apply(op, rule, args, inputs));
    this.running.push(op.opName);
    try {
      const result = plain();
      this.expectTracked(op.opName, inputs, result);
      return result;
    } finally {
      this.running.pop();
    }
  }

  /** Work outside any op has no rule: where it takes part in what needs a gradient, the gradient would be cut off silently. */
  private readonly onWork: WorkHook = (name, reads, writes) => {
    const results = writes.filter(carriesGradient);
    const changed = results.some((tensor) => this.needs(tensor));
    if (changed || (results.length > 0 && reads.some((tensor) => carriesGradient(tensor) && this.needs(tensor)))) {
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
    if (this.hasUnrecorded || this.hidden) this.follow(reads, results);
  };

  /** Marks `results` on every tape for which one of `inputs` is marked. */
  private follow(inputs: readonly Tensor[], results: readonly Tensor[]): void {
    if (this.hasUnrecorded && inputs.some((tensor) => this.unrecorded.has(tensor) && !isTrainable(tensor)))
      for (const tensor of results) this.addUnrecorded(tensor);
    this.hide(inputs, results);
  }

  /** Tells the surrounding tapes of work that only this one recorded. */
  private hide(inputs: readonly Tensor[], results: readonly Tensor[]): void {
    for (let tape = this.hidden; tape; tape = tape.hidden) {
      const { unrecorded } = tape;
      if (!inputs.some((tensor) => tape?.needs(tensor) || unrecorded.has(tensor))) continue;
      for (const tensor of results) if (!inputs.includes(tensor)) tape.addUnrecorded(tensor);
    }
  }

  private addUnrecorded(tensor: Tensor): void {
    if (!carriesGradient(tensor)) return;
    this.unrecorded.add(tensor);
    this.hasUnrecorded = true;
  }

  /** Throws when a gradient, which no tape has recorded, went into `loss`. */
  expectFirstOrder(loss: Tensor): void {
    if (!this.unrecorded.has(loss)) return;
    throw new TensorError(
      'backward',
      'the loss depends on a gradient, or on what a tape inside this one recorded, and there are no second derivatives yet',
      'use detach(gradient) where it counts as a constant, or write the derivative out with ops',
    );
  }

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
  private expectTracked(op: string, inputs: readonly Tensor[], result: unknown): void {
    const lost = tensorsIn(result).some((tensor) => carriesGradient(tensor) && !this.needs(tensor) && !inputs.includes(tensor));
    if (lost) throw noRule(op);
  }
}

function noRule(op: string): TensorError {
  return new TensorError(
    op,
    `no gradient rule for ${op}, and an argument needs a gradient`,
    'give it one with defineRule or customOp, declare it with withoutGradient, or call it on detach(x)',
  );
}
