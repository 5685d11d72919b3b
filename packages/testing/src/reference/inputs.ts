/** Seeded test inputs, and rounding to the types the engine stores. */
import { type Ref, map, ref, sizeOf } from './array.ts';

/** Storage types whose rounding the inputs can carry, so that engine and oracle start from the same numbers. */
export type Rounding = 'f32' | 'f16' | 'none';

export type RandomOptions = {
  /** `normal`: mean 0, deviation 1. `uniform`: from low up to high. `integer`: whole numbers from low up to high, high excluded. */
  distribution?: 'normal' | 'uniform' | 'integer';
  low?: number;
  high?: number;
  /** Multiplies the drawn value. */
  scale?: number;
  /** Default f32. */
  round?: Rounding;
};

/** Rounds to a whole number, ties to the even one (as IEEE arithmetic, WGSL `round` and PyTorch do). */
export function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest < 0.5) return below;
  if (rest > 0.5) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}

/** Nearest f16 value, ties to even, overflow to infinity, with subnormals. */
export function roundF16(value: number): number {
  if (!Number.isFinite(value) || value === 0) return value;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return value > 0 ? Infinity : -Infinity;
  let exponent = -14;
  while (magnitude >= 2 ** (exponent + 1)) exponent++;
  const spacing = 2 ** (exponent - 10);
  const rounded = roundHalfEven(magnitude / spacing) * spacing;
  return value > 0 ? rounded : -rounded;
}

/** Rounds every value to the storage type. */
export function roundTo(x: Ref, rounding: Rounding): Ref {
  if (rounding === 'none') return map(x, (value) => value);
  return map(x, rounding === 'f16' ? roundF16 : Math.fround);
}

/** A small seeded generator (mulberry32) of numbers in (0, 1), for inputs only; the engine's own generator is in `random.ts`. */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
}

/** Random array: the same seed, shape and options give the same numbers everywhere. Default: standard normal, rounded to f32. */
export function random(shape: readonly number[], seed: number, options: RandomOptions = {}): Ref {
  const { distribution = 'normal', low = 0, high = 1, scale = 1, round = 'f32' } = options;
  const next = generator(seed);
  const draw = (): number => {
    if (distribution === 'uniform') return low + (high - low) * next();
    if (distribution === 'integer') return low + Math.floor((high - low) * next());
    return Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
  };
  const values = Array.from({ length: sizeOf(shape) }, () => scale * draw());
  return roundTo(ref(shape, values), round);
}

/** The values as an f32 array, to upload. */
export function toF32(x: Ref): Float32Array<ArrayBuffer> {
  return new Float32Array(x.data);
}

/** The values as an i32 array, to upload; throws when one is not a whole number. */
export function toI32(x: Ref): Int32Array<ArrayBuffer> {
  const odd = x.data.find((value) => !Number.isInteger(value));
  if (odd !== undefined) throw new Error(`${odd} is not a whole number`);
  return new Int32Array(x.data);
}

/**
 * Values at which pointwise functions go wrong: both zeros, subnormals, halves (rounding ties), saturation of exp and tanh,
 * the largest f32, infinities and NaN.
 */
export const specialValues: readonly number[] = [
  0,
  -0,
  1e-45,
  -1e-45,
  1e-30,
  -1e-30,
  1e-7,
  -1e-7,
  0.1,
  -0.1,
  0.5,
  -0.5,
  1,
  -1,
  1.5,
  -1.5,
  2,
  -2,
  2.5,
  -2.5,
  3,
  -3,
  7,
  -7,
  15,
  -15,
  50,
  -50,
  88,
  -88,
  100,
  -100,
  1e4,
  -1e4,
  8388607.5,
  -8388607.5,
  1e20,
  -1e20,
  3.4028234663852886e38,
  -3.4028234663852886e38,
  Infinity,
  -Infinity,
  NaN,
].map(Math.fround);
