/** Scoped calls of differentiated functions. */
import { eachTensor, scope } from '@mudpt/tensor/functions';
import { expectSynchronous } from '@mudpt/tensor/internal';

/** Runs `body` in a scope, which keeps what it returns. @throws TensorError in the name of `op` for an asynchronous body */
export function runScoped<R>(op: string, body: () => R, fix: string): R {
  const made = scope(() => {
    const result = body();
    // An asynchronous body returns after the scope has ended, so its result would be lost.
    if (result instanceof Promise) void result.then(disposeAll, () => undefined);
    return result;
  });
  expectSynchronous(op, made, fix);
  return made;
}

function disposeAll(value: unknown): void {
  eachTensor(value, (tensor) => tensor.dispose());
}
