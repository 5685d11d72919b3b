/**
 * The tape: the ops that ran, in order, and the gradients of a loss through them.
 *
 * While a tape is open, the hook of `defineOp` shows it every op. If an argument needs a gradient, the op's rule runs the forward and
 * leaves a closure; `backward` calls the closures in reverse and adds up what arrives at each tensor.
 */
import { alias, ShapeError, tensor, type Tensor, TensorError } from '@mudpt/tensor/functions';
import {
  Ambient,
  currentHook,
  expectThisCopy,
  installHook,
  type Listener,
  listeningTape,
  outerTape,
  withHook,
  unowned,
} from '@mudpt/tensor/internal';
import { useCoreRules } from '../rules/core.ts';
import { type Cotangents, expectUnspent, type Slot } from './entry.ts';
import { Gradients } from './gradients.ts';
import { Observer } from './observer.ts';
import { Recording } from './recording.ts';
import { Slots } from './slots.ts';
import { markOn, Unrecorded } from './unrecorded.ts';

const tapes = new Ambient<Tape>();

/** The innermost open tape. */
export function currentTape(): Tape | undefined {
  let tape = tapes.get();
  while (tape?.isClosed) tape = tape.surrounding;
  return tape;
}

/** The parts of a tape; a checkpoint runs its function on a tape whose parts it fills itself. */
type TapeParts = { readonly slots: Slots; readonly recording: Recording; readonly unrecorded: Unrecorded };

/** Options of a {@link Tape}. */
export type TapeOptions = {
  /** false: records nothing outside of {@link Tape.record}. Default true */
  readonly listen?: boolean;
  /** false: only watched tensors get gradients, and tensors marked with `parameter` count as constants. Default true */
  readonly parameters?: boolean;
};

/**
 * Records ops from its creation until it is disposed, or inside of {@link record}. Tapes may be closed in any order. Of several, each records what runs
 * inside of it, the backward passes of those further in too, so that gradients can be differentiated; a tape that has done its work is better disposed.
 *
 * ```ts
 * using tape = new Tape();
 * using loss = crossEntropy(model.forward(x), labels);
 * using gradients = tape.backward(loss);
 * ```
 */
export class Tape {
  /** For checkpoints and transforms. */
  readonly parts: TapeParts;
  /** The tape this one was opened in. */
  readonly surrounding = currentTape();
  private readonly observer: Observer;
  private readonly hook: Disposable | undefined;

  constructor({ listen = true, parameters = true }: TapeOptions = {}) {
    useCoreRules();
    const slots = new Slots(parameters);
    const recording = new Recording(slots);
    const unrecorded = new Unrecorded(slots);
    this.parts = { slots, recording, unrecorded };
    this.observer = new Observer(slots, recording, unrecorded);
    unrecorded.belongTo(this.observer.onOp);
    if (!listen) return;
    this.hook = installHook(this.observer.onOp, { onWork: this.observer.onWork, isTape: true });
    tapes.enter(this);
  }

  /**
   * Records what `body` does: the form that cannot be left open. In Node it follows what `body` awaits.
   * @throws TensorError for an asynchronous body in a page
   */
  record<T>(body: () => T): T {
    const { onOp, onWork } = this.observer;
    return tapes.run('record', this, () => withHook(onOp, body, { onWork, isTape: true, op: 'record' }));
  }

  get isClosed(): boolean {
    return this.parts.recording.isClosed;
  }

  /** Number of recorded ops. */
  get length(): number {
    return this.parts.recording.length;
  }

  /** Whether ops called now are shown to this tape: not inside {@link noGrad}, nor in the first run of a checkpoint. */
  get isListening(): boolean {
    return currentHook() === this.observer.onOp;
  }

  /** Whether ops called now are shown to a tape outside of this one as well. */
  get isNested(): boolean {
    return this.isListening && this.outer() !== undefined;
  }

  /** Bytes of memory kept alive for the backward; shared memory counts once. */
  get savedBytes(): number {
    return this.parts.recording.savedBytes;
  }

  /** Requests the gradient of `tensor` too: an input, or an intermediate result just computed. Returns it. */
  watch<T extends Tensor>(tensor: T): T {
    this.parts.unrecorded.unmark(tensor);
    this.parts.slots.watch(tensor);
    return tensor;
  }

  /** Whether a gradient is needed for `tensor`. */
  needs(tensor: Tensor): boolean {
    return this.parts.slots.needs(tensor);
  }

  /**
   * Gradients of `loss` for all parameters and watched tensors it depends on. Uses up the tape: what was saved is released. A tape that
   * listens outside of this one, and did so when the loss was computed, records the backward: its loss may depend on the gradients.
   * @param cotangent gradient of `loss` itself, of its shape; default 1, for a loss of one element
   * @throws TensorError for a loss that depends on no parameter, or on what an earlier backward has used up, and of a disposed tape
   */
  backward(loss: Tensor, cotangent?: Tensor): Gradients {
    return this.pullBack(loss, cotangent, { isKept: false });
  }

  /** As {@link backward}; the tape stays as it is, for another one. */
  backwardAndKeep(loss: Tensor, cotangent?: Tensor): Gradients {
    return this.pullBack(loss, cotangent, { isKept: true });
  }

  private pullBack(loss: Tensor, cotangent: Tensor | undefined, { isKept }: { readonly isKept: boolean }): Gradients {
    const { recording, unrecorded } = this.parts;
    const slot = this.slotOfLoss(loss);
    const seed = seedOf(loss, cotangent);
    const cotangents: Cotangents = new Map([[slot, unowned(seed)]]);
    const listener = this.outer();
    const tape = listener && recording.isKnownTo(listener) ? listener : undefined;
    recording.unwind(cotangents, { tape, isKept });
    const gradients = new Gradients();
    for (const [{ watched }, gradient] of cotangents) {
      if (watched) gradients.set(watched, alias(gradient)); // a new handle, so that the caller's scope owns it
      gradient.dispose();
    }
    for (const gradient of gradients.values()) unrecorded.mark(gradient);
    if (!tape) markOn(listener, [...gradients.values()]);
    return gradients;
  }

  /** The tape that listens now, other than this one. */
  private outer(): Listener | undefined {
    const listener = listeningTape();
    return listener?.hook === this.observer.onOp ? outerTape(listener) : listener;
  }

  private slotOfLoss(loss: Tensor): Slot {
    expectThisCopy('backward', 'the loss', loss);
    loss.expectLive('backward');
    if (this.isClosed)
      throw new TensorError(
        'backward',
        'the tape was disposed, and with it what it had recorded',
        'run the backward before dispose()',
      );
    this.parts.unrecorded.expectRecorded(loss);
    const slot = this.parts.slots.of(loss);
    if (!slot)
      throw new TensorError(
        'backward',
        'the loss depends on no parameter',
        'mark tensors with parameter() or tape.watch() before computing it',
      );
    expectUnspent(slot);
    return slot;
  }

  dispose(): void {
    this.parts.recording.close();
    this.hook?.[Symbol.dispose]();
    if (tapes.get() === this) tapes.enter(this.surrounding);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The gradient of a loss with respect to itself. */
function seedOf(loss: Tensor, cotangent: Tensor | undefined): Tensor {
  const shape = cotangent?.shape ?? loss.shape;
  if ((!cotangent && loss.size !== 1) || shape.join() !== loss.shape.join()) {
    throw new ShapeError(
      'backward',
      `loss of shape [${loss.shape.join(', ')}] ${cotangent ? `and cotangent [${shape.join(', ')}]` : 'without cotangent'}`,
      cotangent ? 'give a cotangent of the shape of the loss' : 'reduce the loss to one element, or give a cotangent',
      { shapes: { loss: loss.shape, ...(cotangent && { cotangent: shape }) } },
    );
  }
  if (cotangent) return alias(cotangent);
  const { shape: one, device, dtype } = loss;
  return tensor([1], { shape: one, device, dtype });
}
