/** Rotary position embedding by definition: pairs of elements are complex numbers that turn. */
import { type Ref, get, build } from './array.ts';

/** x [..., T, H, D], the row t at position offset + t; the first `width` elements turn. */
export function rope(
  x: Ref,
  width: number,
  { offset = 0, interleaved = false, base = 10_000 }: { offset?: number; interleaved?: boolean; base?: number } = {},
): Ref {
  return build(x.shape, (index) => {
    const [e = 0] = index.slice(-1);
    if (e >= width) return get(x, index);
    const half = width / 2;
    const [pair, isSecond] = interleaved ? [Math.floor(e / 2), e % 2 === 1] : [e % half, e >= half];
    const [first, second] = interleaved ? [2 * pair, 2 * pair + 1] : [pair, pair + half];
    const at = (element: number): number => get(x, [...index.slice(0, -1), element]);
    const angle = (offset + index.at(-3)!) * base ** ((-2 * pair) / width);
    const [re, im] = [at(first), at(second)];
    return isSecond ? re * Math.sin(angle) + im * Math.cos(angle) : re * Math.cos(angle) - im * Math.sin(angle);
  });
}
