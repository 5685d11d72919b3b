/**
 * Where random modules (dropout) get their numbers: a seed given once per step, and a stream number that counts the calls since. The
 * seed is a tensor, so a captured step draws anew at every replay; the count is part of the recorded step.
 */
import { Ambient } from '@mudpt/tensor/internal';
import { type Tensor, TensorError } from '@mudpt/tensor';

type Source = { readonly seed: Tensor | number; next: number };

const sources = new Ambient<Source>();

/**
 * Runs `body`, and in Node what it awaits, with `seed` as the source of randomness. The same seed gives the same numbers.
 * @param seed a number, or a u32 tensor of one element that changes from step to step
 * @throws TensorError for an asynchronous body in a page
 */
export function withSeed<T>(seed: Tensor | number, body: () => T): T {
  return sources.run('withSeed', { seed, next: 0 }, body);
}

/** The next independent stream of the current seed. @throws TensorError outside {@link withSeed} */
export function nextStream(op: string): { readonly seed: Tensor | number; readonly stream: number } {
  const source = sources.get();
  if (!source)
    throw new TensorError(
      op,
      'there is no source of randomness',
      'run the step inside withSeed(seed, () => ...), or call eval()',
    );
  return { seed: source.seed, stream: source.next++ };
}

/** A function that runs a body as if it were called here and now: it sees the streams that follow this point. */
export function rememberRandomness(): <T>(body: () => T) => T {
  const source = sources.get();
  const now = source && { ...source };
  return (body) => (now ? sources.run('checkpoint', { ...now }, body) : body());
}
