/** The discrete Fourier transform by its definition, in f64. */
import { type Ref, ref } from './array.ts';
import { alongAxis } from './reduce.ts';

export type ComplexRef = { re: Ref; im: Ref };

/** sum over j of (re + i im)[j] exp(sign 2 pi i j k / n), times scale, along an axis. */
export function fourier({ re, im }: { re: Ref; im?: Ref }, axis: number, sign: 1 | -1, scale = 1): ComplexRef {
  const n = re.shape.at(axis)!;
  const angle = (j: number, k: number): number => (sign * 2 * Math.PI * ((j * k) % n)) / n;
  const sums = (part: Ref, wave: (x: number) => number): Ref =>
    alongAxis(part, axis, n, (line) =>
      line.map((_, k) => scale * line.reduce((sum, value, j) => sum + value * wave(angle(j, k)), 0)),
    );
  const [cosines, sines] = [sums(re, Math.cos), sums(re, Math.sin)];
  if (!im) return { re: cosines, im: sines };
  const [imCosines, imSines] = [sums(im, Math.cos), sums(im, Math.sin)];
  const combine = (x: Ref, y: Ref, factor: number): Ref =>
    ref(
      x.shape,
      x.data.map((value, i) => value + factor * y.data[i]!),
    );
  return { re: combine(cosines, imSines, -1), im: combine(sines, imCosines, 1) };
}
