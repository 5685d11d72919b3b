/**
 * Random tensors from a counter-based generator (Philox4x32-10): element i depends on key, stream and i alone, so the same call gives the
 * same numbers on every adapter, and a step that is captured draws anew when its key is a tensor. Words, integers, uniform and Bernoulli
 * numbers agree to the bit; normal ones to rounding.
 */
import { randomWgsl } from '@mudpt/shaders';
import { currentDevice, type Device } from '../../device.ts';
import { bytesPerElement, type DType, expectDType, isFloat, wgslType } from '../../dtype.ts';
import { LimitError, ShapeError } from '../../errors.ts';
import { fromHalf, toHalf } from '../../half.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { type Shape, showShape } from '../../shape.ts';
import { empty } from '../../definition/views.ts';
import { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import type { CreateOptions } from './create.ts';

/** A whole number from 0 to 2^53 - 1, two 32-bit words (low, high), or a u32 tensor of two words. */
export type RandomKey = number | readonly [number, number] | Tensor;

/** Options of random tensors: the key decides every number. */
export type RandomOptions = CreateOptions & {
  readonly key: RandomKey;
  /** Separates draws made with the same key: a whole number below 2^32. Default 0. */
  readonly stream?: number;
};

const randomKernel = kernel({ name: 'random', source: randomWgsl });

type Draw = {
  readonly kind: 'words' | 'uniform' | 'open' | 'normal' | 'integer' | 'bernoulli';
  readonly low?: number;
  readonly scale?: number;
  /** The largest uniform number. */
  readonly below?: number;
  readonly first?: number;
  readonly range?: number;
};

function isWord(value: number | undefined): boolean {
  return value !== undefined && Number.isInteger(value) && value >= 0 && value < 2 ** 32;
}

/** The two words of a key given as numbers. */
function keyWords(op: string, key: number | readonly [number, number]): readonly [number, number] {
  const words = typeof key === 'number' ? ([key % 2 ** 32, Math.floor(key / 2 ** 32)] as const) : key;
  if ((typeof key !== 'number' || Number.isSafeInteger(key)) && isWord(words[0]) && isWord(words[1])) return words;
  throw new LimitError(op, `key ${String(key)} is out of range`, 'use a whole number from 0 to 2^53 - 1, or two below 2^32');
}

/** The key of a draw as kernels take it. */
type SettledKey = {
  readonly device: Device;
  readonly buffers: Readonly<Record<string, Tensor>>;
  readonly keyed: 0 | 1;
  readonly params: {
    readonly stream: number;
    readonly key: readonly [number, number];
    readonly key_offset: number;
    readonly key_stride: number;
  };
};

/** @throws LimitError for a key or stream out of range, ShapeError and DTypeError for a tensor that is no key */
export function settleKey(op: string, options: RandomOptions): SettledKey {
  const { key, stream = 0 } = options;
  if (!isWord(stream)) throw new LimitError(op, `stream ${stream} is out of range`, 'use a whole number below 2^32');
  const keyTensor = key instanceof Tensor ? key : undefined;
  if (keyTensor) {
    keyTensor.expectLive(op);
    expectDType(op, 'key', keyTensor.dtype, ['u32']);
    if (keyTensor.size !== 2 || keyTensor.rank !== 1)
      throw new ShapeError(op, `key has shape ${showShape(keyTensor.shape)}`, 'give two words: shape [2]');
  }
  return {
    device: options.device ?? keyTensor?.device ?? currentDevice(op),
    buffers: keyTensor ? { key_words: keyTensor } : {},
    keyed: keyTensor ? 1 : 0,
    params: {
      stream,
      key: key instanceof Tensor ? [0, 0] : keyWords(op, key),
      key_offset: keyTensor?.offset ?? 0,
      key_stride: (keyTensor?.strides[0] ?? 0) >>> 0,
    },
  };
}

function draw(op: string, shape: Shape, dtype: DType, options: RandomOptions, how: Draw): Tensor {
  const { device, buffers, keyed, params } = settleKey(op, options);
  const out = empty(device, shape, dtype);
  randomKernel.dispatch(device, {
    buffers: { result: out, ...buffers },
    params: {
      ...params,
      count: out.size,
      low: how.low ?? 0,
      scale: how.scale ?? 1,
      below: how.below ?? 0,
      first: how.first ?? 0,
      range: how.range ?? 0,
    },
    grid: grid1d(out.size, 256),
    defines: { TR: wgslType(dtype), KIND: how.kind, KEYED: keyed },
    flops: 40 * out.size,
    bytes: bytesPerElement(dtype) * out.size,
  });
  return out;
}

export function floatOf(op: string, dtype: DType = 'f32'): DType {
  if (!isFloat(dtype)) expectDType(op, 'options', dtype, ['f32', 'f16']);
  return dtype;
}

/** The largest number of a floating dtype below `high`. */
function numberBelow(high: number, dtype: DType): number {
  const [bits, single] = [new Uint32Array(1), new Float32Array(1)];
  const words = dtype === 'f16' ? bits : new Uint32Array(single.buffer);
  const value = (): number => (dtype === 'f16' ? fromHalf(nth(bits, 0)) : nth(single, 0));
  if (dtype === 'f16') bits[0] = toHalf(high);
  else single[0] = high;
  if (value() < high) return value();
  // The next smaller number has the next bits: those before, or beyond 0 those after.
  words[0] = value() > 0 ? nth(words, 0) - 1 : value() < 0 ? nth(words, 0) + 1 : dtype === 'f16' ? 0x8001 : 0x80000001;
  return value();
}

/** Uniform numbers in [low, high), default [0, 1), with 24 random bits each; f32 (default) or f16. @throws DTypeError, LimitError for a key out of range */
export const rand = defineOp(
  'rand',
  (shape: Shape, options: RandomOptions & { readonly low?: number; readonly high?: number }): Tensor => {
    const { low = 0, high = 1 } = options;
    if (!(low <= high && Number.isFinite(high - low)))
      throw new LimitError('rand', `low is ${low}, high ${high}`, 'give two finite numbers, the smaller as low');
    const dtype = floatOf('rand', options.dtype);
    const below = high > low ? numberBelow(high, dtype) : Number.POSITIVE_INFINITY;
    return draw('rand', shape, dtype, options, { kind: 'uniform', low, scale: high - low, below });
  },
);

/**
 * Normal numbers by Box and Muller's method; default mean 0, std 1; f32 (default) or f16. @throws DTypeError, LimitError for a key out of range
 * @example
 * const again = randn([4], { key: 7 }).eq(randn([4], { key: 7 }));
 * console.log(await again.all().item()); // 1
 */
export const randn = defineOp(
  'randn',
  (shape: Shape, options: RandomOptions & { readonly mean?: number; readonly std?: number }): Tensor =>
    draw('randn', shape, floatOf('randn', options.dtype), options, {
      kind: 'normal',
      low: options.mean ?? 0,
      scale: options.std ?? 1,
    }),
);

/**
 * Whole numbers from `low` up to `high`, `high` excluded; i32 by default. Each has a probability within 2^-32 of equal.
 * @throws LimitError for an empty range, one beyond the dtype, or a key out of range
 */
export const randint = defineOp('randint', (shape: Shape, low: number, high: number, options: RandomOptions): Tensor => {
  const dtype = options.dtype ?? 'i32';
  expectDType('randint', 'options', dtype, ['i32', 'u32', 'f32', 'f16']);
  const [least, most] = dtype === 'u32' ? [0, 2 ** 31] : [-(2 ** 31), 2 ** 31];
  if (!(Number.isInteger(low) && Number.isInteger(high) && low >= least && high <= most && low < high))
    throw new LimitError(
      'randint',
      `the range from ${low} to ${high} is empty or not of ${dtype}`,
      `use ${least} <= low < high <= ${most}`,
    );
  return draw('randint', shape, dtype, options, { kind: 'integer', first: low, range: high - low });
});

/** 1 with the given probability, else 0; bool by default. @throws LimitError for a probability outside 0..1 or a key out of range */
export const bernoulli = defineOp('bernoulli', (shape: Shape, probability: number, options: RandomOptions): Tensor => {
  if (!(probability >= 0 && probability <= 1))
    throw new LimitError('bernoulli', `probability ${probability} is outside 0..1`, 'give one from 0 to 1');
  return draw('bernoulli', shape, options.dtype ?? 'bool', options, { kind: 'bernoulli', scale: probability });
});

/** The generator's 32-bit words (u32), to build other distributions from. */
export const randomWords = defineOp(
  'randomWords',
  (shape: Shape, options: RandomOptions): Tensor => draw('randomWords', shape, 'u32', options, { kind: 'words' }),
);

/** Uniform numbers strictly between 0 and 1 (f32), with 23 random bits each: their logarithms are finite. */
export function openUniform(op: string, shape: Shape, options: RandomOptions): Tensor {
  return draw(op, shape, 'f32', options, { kind: 'open' });
}
