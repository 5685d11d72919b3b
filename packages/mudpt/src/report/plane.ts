/** Features laid out in a plane by UMAP (McInnes et al., 2018): images with like features lie side by side. */
import { nth } from '@mudpt/tensor/internal';
import { UMAP } from 'umap-js';

const [NEIGHBOURS, EPOCHS, SEED] = [15, 300, 1];
/** Fewer images have no neighbourhoods to speak of. */
export const LEAST_IMAGES = 10;

/** Rows of features, and where each lies. */
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
  // The rows themselves are read by nobody once the neighbours are known.
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
      let cosine = 0;
      // Read without checks: this is the one loop whose length is images² times channels.
      for (let channel = 0; channel < width; channel += 1)
        cosine += (unit[a * width + channel] as number) * (unit[b * width + channel] as number);
      const distance = Math.max(0, 1 - cosine);
      all[a * count + b] = distance;
      all[b * count + a] = distance;
    }
  const [indices, distances]: [number[][], number[][]] = [[], []];
  for (let row = 0; row < count; row += 1) {
    const from = all.subarray(row * count, (row + 1) * count);
    const others = Array.from({ length: count }, (_, index) => index).filter((index) => index !== row);
    const order = [row, ...others.sort((a, b) => nth(from, a) - nth(from, b) || a - b).slice(0, wanted - 1)];
    indices.push(order);
    distances.push(order.map((index) => (index === row ? 0 : nth(from, index))));
  }
  return { indices, distances };
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
