/** The choice that dropout makes for every element, by the definition of its random numbers: pcg3d (Jarzynski and Olano 2020). */

/** First word of pcg3d of three words. */
function pcg3d(x: number, y: number, z: number): number {
  const v = [x, y, z].map((word) => (Math.imul(word, 1664525) + 1013904223) | 0) as [number, number, number];
  const mix = (): void => {
    v[0] = (v[0] + Math.imul(v[1], v[2])) | 0;
    v[1] = (v[1] + Math.imul(v[2], v[0])) | 0;
    v[2] = (v[2] + Math.imul(v[0], v[1])) | 0;
  };
  mix();
  for (const at of [0, 1, 2] as const) v[at] ^= v[at] >>> 16;
  mix();
  return v[0] >>> 0;
}

/** Factors of `count` elements: 0, or 1 / (1 - p). */
export function dropoutFactors(count: number, { p, seed, stream }: { p: number; seed: number; stream: number }): Float64Array {
  return Float64Array.from({ length: count }, (_, i) =>
    pcg3d(i, stream, seed) >>> 8 < Math.round(p * 2 ** 24) ? 0 : 1 / (1 - p),
  );
}
