/** Features laid out in a plane by UMAP (McInnes et al., 2018): images with like features lie side by side. */
import { nth } from '@mudpt/tensor/internal';
import { UMAP } from 'umap-js';

/** Epochs are those of umap-learn for large data: with 500 images more of them move little, and a report is to be quick. */
const [NEIGHBOURS, EPOCHS, SEED] = [15, 200, 1];
/** Fewest images: fewer have no meaningful neighbourhoods. */
export const LEAST_IMAGES = 10;

/** Rows of features, and the place of each in the plane. */
export interface PlaneTask {
  /** [images, width] */
  readonly rows: Float32Array;
  readonly width: number;
}

export type Plane = readonly (readonly [x: number, y: number])[];

/** The same plane for the same features. Distances are those of directions, as cosines are all that CLIP reads. */
export function planeOf({ rows, width }: PlaneTask): Plane {
  const count = rows.length / width;
  if (count < LEAST_IMAGES) throw new RangeError(`${count} images are too few for a plane`);
  const neighbours = Math.min(NEIGHBOURS, count - 1);
  const { indices, distances } = nearest(rows, width, neighbours);
  const umap = new UMAP({ nNeighbors: neighbours, nEpochs: EPOCHS, random: randomNumbers(SEED) });
  umap.setPrecomputedKNN(indices, distances);
  // Once the neighbours are known, UMAP does not read the rows themselves.
  const epochs = umap.initializeFit(indices);
  for (let epoch = 0; epoch < epochs; epoch += 1) umap.step();
  return umap.getEmbedding().map(([x = 0, y = 0]) => [x, y] as const);
}

/** For each row itself and the rows of the nearest directions, nearest first, with 1 - cosine. */
function nearest(rows: Float32Array, width: number, wanted: number): { indices: number[][]; distances: number[][] } {
  const count = rows.length / width;
  const unit = new Float32Array(rows);
  for (let row = 0; row < count; row += 1) {
    const one = unit.subarray(row * width, (row + 1) * width);
    const length = Math.sqrt(one.reduce((sum, value) => sum + value * value, 0)) || 1;
    for (let channel = 0; channel < width; channel += 1) one[channel] = nth(one, channel) / length;
  }
  const all = new Float32Array(count * count);
  for (let a = 0; a < count; a += 1)
    for (let b = 0; b < a; b += 1) {
      const distance = Math.max(0, 1 - dot(unit, a * width, b * width, width));
      all[a * count + b] = distance;
      all[b * count + a] = distance;
    }
  const [indices, distances]: [number[][], number[][]] = [[], []];
  for (let row = 0; row < count; row += 1) {
    const from = all.subarray(row * count, (row + 1) * count);
    const order = [row, ...smallest(from, row, wanted - 1)];
    indices.push(order);
    distances.push(order.map((index) => (index === row ? 0 : nth(from, index))));
  }
  return { indices, distances };
}

/** The dot product of the rows that begin at `a` and `b`. Four independent sums and no checks, because it runs images² times. */
function dot(values: Float32Array, a: number, b: number, width: number): number {
  const whole = width - (width % 4);
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  for (let at = 0; at < whole; at += 4) {
    s0 += (values[a + at] as number) * (values[b + at] as number);
    s1 += (values[a + at + 1] as number) * (values[b + at + 1] as number);
    s2 += (values[a + at + 2] as number) * (values[b + at + 2] as number);
    s3 += (values[a + at + 3] as number) * (values[b + at + 3] as number);
  }
  for (let at = whole; at < width; at += 1) s0 += (values[a + at] as number) * (values[b + at] as number);
  return s0 + s1 + (s2 + s3);
}

/** Places of the `wanted` smallest values but the one at `except`, smallest first, the earlier of equal ones first. */
function smallest(values: Float32Array, except: number, wanted: number): number[] {
  const best: number[] = [];
  for (const [index, value] of values.entries()) {
    const last = best.at(-1);
    if (index === except || (best.length === wanted && last !== undefined && value >= nth(values, last))) continue;
    let at = best.length;
    while (at > 0 && value < nth(values, nth(best, at - 1))) at -= 1;
    best.splice(at, 0, index);
    if (best.length > wanted) best.pop();
  }
  return best;
}

/** Mulberry32: numbers from 0 to 1, the same for the same seed. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
