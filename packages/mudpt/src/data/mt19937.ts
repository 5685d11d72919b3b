/** CPython's `random`, as far as few-shot sampling uses it, so that a seed selects the same images as the published code. */

import { nth } from '@mudpt/tensor/internal';

const N = 624;
const M = 397;

/**
 * The generator of `random.Random(seed)`: MT19937 seeded by `init_by_array`.
 * Source: Matsumoto and Nishimura, "Mersenne Twister" (TOMACS 1998); CPython Modules/_randommodule.c and Lib/random.py.
 */
export class PythonRandom {
  private readonly state = new Uint32Array(N);
  private at = N;

  /** @param seed a whole number from 0 to 2^53 - 1 */
  constructor(seed: number) {
    if (!Number.isSafeInteger(seed) || seed < 0) throw new RangeError(`seed ${seed} is no whole number from 0 up`);
    const key = seed < 2 ** 32 ? [seed] : [seed >>> 0, Math.floor(seed / 2 ** 32)];
    this.seedByArray(key);
  }

  /** The next 32 random bits as a whole number. */
  next(): number {
    if (this.at === N) this.refill();
    let word = nth(this.state, this.at++);
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    word ^= word >>> 18;
    return word >>> 0;
  }

  /** `_randbelow(n)`: as many bits as `n` has, drawn again until below it. `n` is at least 1 and below 2^32. */
  below(n: number): number {
    const shift = Math.clz32(n);
    for (;;) {
      const drawn = this.next() >>> shift;
      if (drawn < n) return drawn;
    }
  }

  /** `random.sample(population, count)` in its order. Needs `count <= population.length`. */
  sample<T>(population: readonly T[], count: number): T[] {
    const n = population.length;
    if (count > n || count < 0) throw new RangeError(`a sample of ${count} from ${n}`);
    // Like Python, which decides by the size of a set against that of a list; the two ways draw differently.
    const setSize = 21 + (count > 5 ? 4 ** Math.ceil(Math.log(count * 3) / Math.log(4)) : 0);
    const taken: T[] = [];
    if (n <= setSize) {
      const pool = [...population];
      for (let i = 0; i < count; i++) {
        const j = this.below(n - i);
        taken.push(pool[j] as T);
        pool[j] = pool[n - i - 1] as T;
      }
      return taken;
    }
    const chosen = new Set<number>();
    while (taken.length < count) {
      const j = this.below(n);
      if (chosen.has(j)) continue;
      chosen.add(j);
      taken.push(population[j] as T);
    }
    return taken;
  }

  private seedByArray(key: readonly number[]): void {
    const { state } = this;
    state[0] = 19650218;
    for (let i = 1; i < N; i++) state[i] = Math.imul(1812433253, mixed(state, i - 1)) + i;
    let i = 1;
    for (let k = 0; k < N; k++) {
      const j = k % key.length;
      state[i] = (nth(state, i) ^ Math.imul(mixed(state, i - 1), 1664525)) + nth(key, j) + j;
      i = this.following(i);
    }
    for (let k = 0; k < N - 1; k++) {
      state[i] = (nth(state, i) ^ Math.imul(mixed(state, i - 1), 1566083941)) - i;
      i = this.following(i);
    }
    state[0] = 0x80000000;
  }

  private following(i: number): number {
    if (i + 1 < N) return i + 1;
    this.state[0] = nth(this.state, N - 1);
    return 1;
  }

  private refill(): void {
    const { state } = this;
    for (let i = 0; i < N; i++) {
      const joined = (nth(state, i) & 0x80000000) | (nth(state, (i + 1) % N) & 0x7fffffff);
      state[i] = nth(state, (i + M) % N) ^ (joined >>> 1) ^ (joined & 1 ? 0x9908b0df : 0);
    }
    this.at = 0;
  }
}

function mixed(state: Uint32Array, i: number): number {
  const word = nth(state, i);
  return word ^ (word >>> 30);
}
