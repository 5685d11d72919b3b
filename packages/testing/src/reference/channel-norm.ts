/** Norms by channel of x [N, C, ...], by definition. */
import { build, forEachIndex, get, type Ref, ref } from './array.ts';

type Affine = { weight?: Ref; bias?: Ref; eps?: number };

/** x normalised over the elements that share a key, times weight, plus bias by channel; with mean and variance of every key. */
function normalized(x: Ref, keyOf: (index: readonly number[]) => number, { weight, bias, eps = 1e-5 }: Affine) {
  const values = new Map<number, number[]>();
  forEachIndex(x.shape, (index, flat) => {
    const key = keyOf(index);
    const known = values.get(key);
    if (known) known.push(x.data[flat]!);
    else values.set(key, [x.data[flat]!]);
  });
  const statistics = new Map(
    [...values].map(([key, list]) => {
      const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
      return [key, { mean, variance: list.reduce((sum, value) => sum + (value - mean) ** 2, 0) / list.length }] as const;
    }),
  );
  const out = build(x.shape, (index) => {
    const { mean, variance } = statistics.get(keyOf(index))!;
    const normal = (get(x, index) - mean) / Math.sqrt(variance + eps);
    return normal * (weight?.data[index[1]!] ?? 1) + (bias?.data[index[1]!] ?? 0);
  });
  return { out, statistics };
}

export function groupNorm(x: Ref, groups: number, affine: Affine = {}): Ref {
  const channels = x.shape[1]!;
  return normalized(x, (index) => index[0]! * groups + Math.floor(index[1]! / (channels / groups)), affine).out;
}

export function batchNormTraining(x: Ref, affine: Affine = {}): { out: Ref; mean: Ref; variance: Ref } {
  const { out, statistics } = normalized(x, (index) => index[1]!, affine);
  const list = Array.from({ length: x.shape[1]! }, (_, channel) => statistics.get(channel)!);
  const column = (values: number[]): Ref => ref([values.length], values);
  return { out, mean: column(list.map(({ mean }) => mean)), variance: column(list.map(({ variance }) => variance)) };
}

export function batchNorm(x: Ref, mean: Ref, variance: Ref, { weight, bias, eps = 1e-5 }: Affine = {}): Ref {
  return build(x.shape, (index) => {
    const channel = index[1]!;
    const normal = (get(x, index) - mean.data[channel]!) / Math.sqrt(variance.data[channel]! + eps);
    return normal * (weight?.data[channel] ?? 1) + (bias?.data[channel] ?? 0);
  });
}

export function localResponseNorm(x: Ref, size: number, { alpha = 1e-4, beta = 0.75, k = 1 } = {}): Ref {
  return build(x.shape, (index) => {
    let sum = 0;
    for (let channel = index[1]! - Math.floor(size / 2); channel <= index[1]! + Math.floor((size - 1) / 2); channel += 1)
      if (channel >= 0 && channel < x.shape[1]!) sum += get(x, index.with(1, channel)) ** 2;
    return get(x, index) / (k + (alpha / size) * sum) ** beta;
  });
}
