/** Signal processing: Fourier transforms, as products with tables of cosines and sines, windows, and bands on the mel scale. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import { hostTensor, type HostTensor } from '../host/tensor.ts';
import type { Call } from '../node/call.ts';
import type { Operator, Operators } from '../node/operator.ts';
import { Value } from '../node/value.ts';
import { typeAttribute } from './cast.ts';

/** cos and sin of 2 pi i k / length: [terms, frequencies]. */
function tables(x: Tensor, terms: number, frequencies: number, length: number): readonly [cos: Tensor, sin: Tensor] {
  const table = (f: (angle: number) => number): Tensor => {
    const values = new Float32Array(terms * frequencies);
    for (let i = 0; i < terms; i += 1)
      for (let k = 0; k < frequencies; k += 1) values[i * frequencies + k] = f((2 * Math.PI * ((i * k) % length)) / length);
    return engine.tensor(values, { shape: [terms, frequencies], dtype: x.dtype, device: x.device });
  };
  return [table(Math.cos), table(Math.sin)];
}

type Transformed = { readonly length: number; readonly frequencies: number; readonly isInverse?: boolean };

/** The transform along the last axis of a real and an imaginary part. */
function transform(
  real: Tensor,
  imaginary: Tensor | undefined,
  { length, frequencies, isInverse = false }: Transformed,
): readonly [Tensor, Tensor] {
  const terms = Math.min(real.shape[real.rank - 1] ?? 1, length);
  const cut = (x: Tensor): Tensor => engine.narrow(x, -1, 0, terms);
  const [cos, sin] = tables(real, terms, frequencies, length);
  const turn = isInverse ? sin : engine.neg(sin);
  const re = engine.matmul(cut(real), cos);
  const im = engine.matmul(cut(real), turn);
  if (!imaginary) return [re, im];
  return [engine.sub(re, engine.matmul(cut(imaginary), turn)), engine.add(im, engine.matmul(cut(imaginary), cos))];
}

/** A real signal from the lower half of its frequencies: each of the others is the conjugate of one of these. */
function realInverse(real: Tensor, imaginary: Tensor, length: number): Tensor {
  const half = Math.floor(length / 2) + 1;
  const [cos, sin] = tables(real, half, length, length);
  const counts = Array.from({ length: half }, (_, k) => (k === 0 || 2 * k === length ? 1 : 2) / length);
  const weights = engine.tensor(counts, { dtype: real.dtype, device: real.device });
  const part = (x: Tensor): Tensor => engine.mul(engine.narrow(x, -1, 0, half), weights);
  return engine.sub(engine.matmul(part(real), cos), engine.matmul(part(imaginary), sin));
}

const dft: Operator = {
  by: 'composition',
  reads: [1, 2],
  run: (call) => {
    const x = call.x(0);
    const isInverse = call.int('inverse', 0) === 1;
    const isOneSided = call.int('onesided', 0) === 1;
    const given = call.opset >= 20 ? (call.has(2) ? call.scalar(2) : -2) : call.int('axis', 1);
    const axis = call.axis(given, x.rank);
    const length = call.has(1) ? call.scalar(1) : (x.shape[axis] ?? 1);
    const parts = Array.from({ length: x.shape[x.rank - 1] ?? 1 }, (_, i) => engine.movedim(engine.select(x, -1, i), axis, -1));
    if (isInverse && isOneSided) {
      const terms = call.has(1) ? call.scalar(1) : 2 * ((x.shape[axis] ?? 1) - 1);
      return engine.unsqueeze(engine.movedim(realInverse(parts[0] as Tensor, parts[1] as Tensor, terms), -1, axis), -1);
    }
    const frequencies = isOneSided ? Math.floor(length / 2) + 1 : length;
    const both = transform(parts[0] as Tensor, parts[1], { length, frequencies, isInverse });
    const scaled = isInverse ? both.map((part) => engine.div(part, length)) : both;
    return engine.stack(
      scaled.map((part) => engine.movedim(part, -1, axis)),
      -1,
    );
  },
};

/** Transforms of windows of a signal [batch, length, 1 or 2]: [batch, frames, frequencies, 2]. */
const stft: Operator = {
  by: 'composition',
  reads: [1, 3],
  run: (call: Call) => {
    const x = call.x(0);
    const step = call.scalar(1);
    const window = call.maybe(2);
    const size = call.has(3) ? call.scalar(3) : (window?.size ?? 1);
    const signal = x.rank === 2 ? engine.unsqueeze(x, 2) : x;
    const [, length = 1, parts = 1] = signal.shape;
    const frames = Math.floor((length - size) / step) + 1;
    const places = Array.from({ length: frames * size }, (_, i) => Math.floor(i / size) * step + (i % size));
    const index = engine.tensor(places, { dtype: 'i32', shape: [places.length], device: x.device });
    const cut = Array.from({ length: parts }, (_, part) => {
      const rows = engine.indexSelect(engine.select(signal, 2, part), 1, index);
      const framed = engine.reshape(rows, [x.shape[0] ?? 1, frames, size]);
      return window ? engine.mul(framed, window) : framed;
    });
    const frequencies = call.int('onesided', 1) === 1 ? Math.floor(size / 2) + 1 : size;
    return engine.stack([...transform(cut[0] as Tensor, cut[1], { length: size, frequencies })], -1);
  },
};

/** Cosine windows of signal processing: a0 - a1 cos(t) + a2 cos(2t). */
function cosineWindow(a0: number, a1: number, a2: number): Operator {
  return {
    by: 'composition',
    reads: [0],
    run: (call) => {
      const size = call.scalar(0);
      const period = call.int('periodic', 1) === 1 ? size : size - 1;
      const at = (i: number): number => (2 * Math.PI * i) / period;
      const values = Float64Array.from({ length: size }, (_, i) => a0 - a1 * Math.cos(at(i)) + a2 * Math.cos(2 * at(i)));
      return Value.host(hostTensor(typeAttribute(call, 'output_datatype', 'float'), [size], values));
    },
  };
}

/** Triangles between frequencies that lie evenly on the mel scale: [frequencies, bands]. */
function melMatrix(call: Call): HostTensor {
  const [bands, length, rate, low, high] = [0, 1, 2, 3, 4].map((index) => call.scalar(index)) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const mel = (hertz: number): number => 2595 * Math.log10(1 + hertz / 700);
  const [from, to] = [mel(low), mel(high)];
  const rows = Math.floor(length / 2) + 1;
  const edges = Array.from({ length: bands + 2 }, (_, i) => {
    const hertz = 700 * (10 ** ((from + (i * (to - from)) / (bands + 2)) / 2595) - 1);
    return Math.floor(((length + 1) * hertz) / rate);
  });
  const out = new Float64Array(rows * bands);
  for (let band = 0; band < bands; band += 1) {
    const [left = 0, center = 0, right = 0] = edges.slice(band, band + 3);
    if (center === left) out[center * bands + band] = 1;
    else for (let row = left; row <= center; row += 1) out[row * bands + band] = (row - left) / (center - left);
    if (right > center) for (let row = center; row < right; row += 1) out[row * bands + band] = (right - row) / (right - center);
  }
  return hostTensor(typeAttribute(call, 'output_datatype', 'float'), [rows, bands], out);
}

export const signalOperators: Operators = {
  BlackmanWindow: cosineWindow(0.42, 0.5, 0.08),
  DFT: dft,
  HammingWindow: cosineWindow(25 / 46, 21 / 46, 0),
  HannWindow: cosineWindow(0.5, 0.5, 0),
  MelWeightMatrix: { by: 'composition', reads: 'all', run: (call) => Value.host(melMatrix(call)) },
  STFT: stft,
};
