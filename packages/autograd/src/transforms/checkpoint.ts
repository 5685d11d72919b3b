/**
 * Checkpointing (rematerialization): the tape keeps the inputs of a function instead of its intermediates, and the backward runs it a second time. The second run
 * dispatches the same kernels on the same values, and adds gradients in the same order as a plain backward: bits are equal.
 */
import { alias, keep, Tensor } from '@mudpt/tensor/functions';
import { type OpHook, unowned, withHook } from '@mudpt/tensor/internal';
import { rememberRandomness } from '../random.ts';
import { carriesGradient, type Handle, mapHandles, tensorsIn } from '../rule.ts';
import { runScoped } from './run-scoped.ts';
import { currentTape, Tape } from '../tape/tape.ts';

/**
 * Wraps `fn` so that a tape keeps only its arguments. Parameters that `fn` reads from outside get their gradients too; other tensors
 * (and packed sequences) it reads from outside must still be alive during the backward. `fn` must be synchronous and do the same at both runs; random modules
 * draw the same numbers. Checkpoints may be nested.
 *
 * ```ts
 * for (const block of blocks) x = checkpoint((h: Tensor) => block.forward(h))(x);
 * ```
 * @example
 * const block = checkpoint((x: Tensor) => x.square().mul(2));
 * console.log(await grad((x: Tensor) => block(x).sum())(tensor([1, 2])).data()); // [4,8]
 */
export function checkpoint<A extends readonly unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    const tape = currentTape();
    // Inside another checkpoint, the second run of that one is recorded.
    if (!tape?.isListening) return fn(...args);
    // If an outer tape is to differentiate again, it must record the ops themselves: nothing is computed twice, and memory is that of a plain call.
    if (tape.isNested) return fn(...args);
    const replayRandomness = rememberRandomness();
    const reached = new Set<Tensor>();
    const note: OpHook = (op, opArgs) => {
      for (const tensor of tensorsIn(opArgs)) if (tape.needs(tensor)) reached.add(tensor);
      return withHook(undefined, () => op.run(...(opArgs as never[])));
    };
    const fix = 'await before it: the function runs twice, the second time in the backward';
    const forward = (given: A): R => runScoped('checkpoint', () => fn(...given), fix);
    const output = withHook(note, () => forward(args), { isTape: true, op: 'checkpoint' });
    if (reached.size === 0) return output;

    const { slots, recording } = tape.parts;
    const bound = new Map([...reached].map((tensor) => [tensor, slots.of(tensor)] as const));
    const kept = new Map<Handle, Handle>();
    const keptArgs = mapHandles(args, (handle) => {
      const copy =
        kept.get(handle) ?? (handle instanceof Tensor ? keep(withHook(undefined, () => alias(handle))) : handle.share());
      kept.set(handle, copy);
      return copy;
    });
    recording.push(
      {
        op: 'checkpoint',
        inputs: [],
        takesF32: true,
        saved: tensorsIn(keptArgs),
        savedResources: [...kept.values()].filter((handle) => !(handle instanceof Tensor)),
        backward: (grads, cotangents) => {
          using inner = new Tape({ listen: false, parameters: slots.hasParameters });
          const { parts } = inner;
          for (const [tensor, slot] of bound) {
            if (!slot) continue;
            parts.slots.bind(tensor, slot);
            const handle = kept.get(tensor);
            if (handle instanceof Tensor) parts.slots.bind(handle, slot);
          }
          const again = replayRandomness(() => inner.record(() => forward(keptArgs)));
          const results = tensorsIn(again).filter(carriesGradient);
          for (const result of results) parts.unrecorded.expectRecorded(result);
          results.forEach((result, index) => {
            const [slot, grad] = [parts.slots.of(result), grads[index]];
            if (slot && grad) cotangents.set(slot, unowned(alias(grad)));
          });
          parts.recording.unwind(cotangents);
          return [];
        },
      },
      output,
    );
    return output;
  };
}
