/** The run of a function that is differentiated. */
import { eachTensor, scope } from '@mudpt/tensor';
import { expectSynchronous } from '@mudpt/tensor/internal';

/** Runs `body` in a scope of its own, which keeps what it returns. @throws TensorError in the name of `op` for an asynchronous body */
export function runScoped<R>(op: string, body: () => R, fix: string): R {
  const made = scope(body);
  // Nobody will receive what an asynchronous body returns later.
  if (made instanceof Promise)
    void made.then(
      (late) => eachTensor(late, (tensor) => tensor.dispose()),
      () => undefined,
    );
  expectSynchronous(op, made, fix);
  return made;
}
