/** Convolution and its transpose over any number of axes, by the defining sums. */
import { accumulate, build, forEachIndex, get, type Ref, zeros } from './array.ts';

export type ConvNdOptions = {
  stride?: readonly number[];
  /** Zeros before and after each axis. */
  before?: readonly number[];
  after?: readonly number[];
  dilation?: readonly number[];
  groups?: number;
  bias?: Ref;
  outputPadding?: readonly number[];
};

/** The position under a tap on every axis. */
const under = (place: readonly number[], tap: readonly number[], { stride, before, dilation }: ConvNdOptions): number[] =>
  place.map((at, axis) => at * (stride?.[axis] ?? 1) + tap[axis]! * (dilation?.[axis] ?? 1) - (before?.[axis] ?? 0));

const isInside = (position: readonly number[], size: readonly number[]): boolean =>
  position.every((at, axis) => at >= 0 && at < size[axis]!);

/** x [N, C, ...], weight [O, C / groups, ...], bias [O]: [N, O, ...]. */
export function convNd(x: Ref, weight: Ref, options: ConvNdOptions = {}): Ref {
  const { groups = 1, bias } = options;
  const [size, taps] = [x.shape.slice(2), weight.shape.slice(2)];
  const places = size.map((cells, axis) => {
    const reach = (options.dilation?.[axis] ?? 1) * (taps[axis]! - 1) + 1;
    const room = cells + (options.before?.[axis] ?? 0) + (options.after?.[axis] ?? 0) - reach;
    return Math.floor(room / (options.stride?.[axis] ?? 1)) + 1;
  });
  const [outputs, channels] = [weight.shape[0]!, weight.shape[1]!];
  return build([x.shape[0]!, outputs, ...places], ([image, output, ...place]) => {
    let sum = bias?.data[output!] ?? 0;
    const group = Math.floor(output! / (outputs / groups));
    forEachIndex([channels, ...taps], ([channel, ...tap]) => {
      const position = under(place, tap, options);
      if (isInside(position, size))
        sum += get(x, [image!, group * channels + channel!, ...position]) * get(weight, [output!, channel!, ...tap]);
    });
    return sum;
  });
}

/** x [N, C, ...], weight [C, O / groups, ...], bias [O]: every cell adds its multiple of the weight to the result. */
export function convTransposeNd(x: Ref, weight: Ref, options: ConvNdOptions = {}): Ref {
  const { groups = 1, bias } = options;
  const [places, taps] = [x.shape.slice(2), weight.shape.slice(2)];
  const size = places.map((cells, axis) => {
    const reach = (options.dilation?.[axis] ?? 1) * (taps[axis]! - 1) + 1;
    const cut = (options.before?.[axis] ?? 0) + (options.after?.[axis] ?? 0);
    return (cells - 1) * (options.stride?.[axis] ?? 1) + reach - cut + (options.outputPadding?.[axis] ?? 0);
  });
  const [channels, outputs] = [x.shape[1]!, weight.shape[1]!];
  const out = zeros([x.shape[0]!, outputs * groups, ...size]);
  if (bias) forEachIndex(out.shape, (index, flat) => (out.data[flat] = bias.data[index[1]!]!));
  forEachIndex(x.shape, ([image, channel, ...place], flat) => {
    const group = Math.floor(channel! / (channels / groups));
    forEachIndex([outputs, ...taps], ([output, ...tap]) => {
      const position = under(place, tap, options);
      if (isInside(position, size))
        accumulate(
          out,
          [image!, group * outputs + output!, ...position],
          x.data[flat]! * get(weight, [channel!, output!, ...tap]),
        );
    });
  });
  return out;
}
