/** Distances between rows, by definition. */
import { broadcastIndex, broadcastShapes, build, get, type Ref } from './array.ts';

/** Euclidean distances: a [..., M, D] and b [..., N, D], leading axes broadcast, give [..., M, N]. */
export function cdist(a: Ref, b: Ref): Ref {
  const [batchA, batchB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const width = a.shape.at(-1)!;
  return build([...broadcastShapes(batchA, batchB), a.shape.at(-2)!, b.shape.at(-2)!], (index) => {
    const [i = 0, j = 0] = index.slice(-2);
    const batch = index.slice(0, -2);
    const element = (x: Ref, lead: number[], row: number, k: number): number => get(x, [...broadcastIndex(batch, lead), row, k]);
    return Math.hypot(...Array.from({ length: width }, (_, k) => element(a, batchA, i, k) - element(b, batchB, j, k)));
  });
}
