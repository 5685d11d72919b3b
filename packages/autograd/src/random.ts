/**
 * The ambient source of randomness: a seed for each step, and the count of draws from it. Random modules (dropout) draw on the GPU: the seed
 * may be a tensor, so that a captured step draws anew at every replay, while the number of the stream is a part of the recorded step. Initial
 * values of modules are drawn on the host.
 */
import { type Tensor, TensorError } from '@mudpt/tensor/functions';
import { Ambient } from '@mudpt/tensor/internal';

/** A stream of uniform numbers in 0..1 (mulberry32). */
export type Random = () => number;

/** The stream of a seed: the same numbers on every machine. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What of a batch comes before a part of it: rows of its first axis, and sequences, which are fewer where their tokens are packed into rows. */
export type BeforePart = { readonly rows: number; readonly sequences: number };

type Source = { readonly seed: Tensor | number; next: number; initial?: Random; readonly before?: BeforePart };

const sources = new Ambient<Source>();
/** Where modules made outside of {@link withSeed} draw their initial values: the first module of a process gets the first numbers. */
const processSource: Source = { seed: 0, next: 0 };

/**
 * Runs `body`, and in Node what it awaits, with `seed` as the source of randomness. The same seed gives the same numbers: of dropout, and of the
 * initial values of modules made inside without `random`.
 * @param seed a number, or a u32 tensor of one element that changes from step to step
 * @throws TensorError for an asynchronous body in a page
 * @example
 * const draw = () => new Linear(2, 2).weight.data();
 * const [first, second] = [await withSeed(3, draw), await withSeed(3, draw)];
 * console.log(first.every((value, k) => value === second[k])); // true
 */
export function withSeed<T>(seed: Tensor | number, body: () => T): T {
  return sources.run('withSeed', { seed, next: 0 }, body);
}

/** What the first axis of a tensor counts: what {@link BeforePart} has, or something that all parts share, of which each has all rows. */
export type RowsOf = keyof BeforePart | 'shared';

/** A stream of random numbers, as `dropout` takes it. */
export type RandomStream = { readonly seed: Tensor | number; readonly stream: number; readonly firstRow?: number };

/**
 * The next independent stream of the current seed.
 * @param rowsOf what the first axis of the tensor counts that is drawn for, which matters in a part of a batch alone
 * @throws TensorError outside {@link withSeed}
 */
export function nextStream(op: string, rowsOf: RowsOf = 'rows'): RandomStream {
  const source = sources.get();
  if (!source)
    throw new TensorError(
      op,
      'there is no source of randomness',
      'run the step inside withSeed(seed, () => ...), or call eval()',
    );
  const firstRow = rowsOf === 'shared' ? 0 : (source.before?.[rowsOf] ?? 0);
  return { seed: source.seed, stream: source.next++, ...(firstRow > 0 && { firstRow }) };
}

/**
 * Runs `run` for the parts of a batch one after the other, so that dropout draws for the rows of a part what it would for the same rows of the whole.
 * @param before of each part
 */
export function inParts<T>(before: readonly BeforePart[], run: (part: number) => T): T[] {
  const source = sources.get();
  if (!source) return before.map((_, part) => run(part));
  const outer = source.before ?? { rows: 0, sequences: 0 };
  let { next } = source;
  const results = before.map(({ rows, sequences }, part) => {
    const inner = { ...source, before: { rows: outer.rows + rows, sequences: outer.sequences + sequences } };
    const result = sources.run('inParts', inner, () => run(part));
    next = Math.max(next, inner.next);
    return result;
  });
  source.next = next;
  return results;
}

/**
 * The stream of initial values, which modules share: that of the current seed, or one of the process that begins at seed 0.
 * @throws TensorError inside a {@link withSeed} whose seed is a tensor, because the host does not have its value
 */
export function initialRandom(op: string): Random {
  const source = sources.get() ?? processSource;
  const { seed } = source;
  if (typeof seed !== 'number')
    throw new TensorError(
      op,
      'initial values cannot be drawn from a seed that is a tensor',
      'make modules outside of the step, or give them random: randomFrom(seed)',
    );
  source.initial ??= randomFrom(seed);
  return source.initial;
}

/** A function that runs a body later with the random streams that follow this point. */
export function rememberRandomness(): <T>(body: () => T) => T {
  const source = sources.get();
  const now = source && { ...source };
  return (body) => (now ? sources.run('checkpoint', { ...now }, body) : body());
}
