/**
 * k-means (Lloyd's algorithm) with no gradient in it: distances, the nearest centre, and new centres as a product with one-hot rows. The result of a
 * captured call is an input of the next one, so points and centres stay on the device.
 */
import { randomFrom } from '@mudpt/autograd';
import { capture, cdist, type Device, matmul, maximum, oneHot, sum, type Tensor, tensor } from '@mudpt/tensor';

/** Where the points come from; what k-means should find. */
const TRUTH = [
  [0, 0],
  [4, 1],
  [1, 5],
  [-4, 3],
] as const;
const POINTS = 1000;

/** Normal numbers, by Box and Muller. */
const normalOf = (random: () => number) => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** First centres far from each other: each is the point farthest from those before it. */
function farthest(points: readonly number[][], count: number) {
  const distance = (a: number[], b: number[]) => Math.hypot(...a.map((value, axis) => value - (b[axis] ?? 0)));
  const chosen = points.slice(0, 1);
  const nearest = (point: number[]) => Math.min(...chosen.map((centre) => distance(point, centre)));
  while (chosen.length < count) chosen.push(points.reduce((best, point) => (nearest(point) > nearest(best) ? point : best)));
  return chosen;
}

export default async function main(device: Device, { steps = 10 } = {}) {
  const random = randomFrom(3);
  const drawn = Array.from({ length: POINTS }, (_, i) =>
    (TRUTH[i % TRUTH.length] ?? [0, 0]).map((at) => at + 0.6 * normalOf(random)),
  );
  using points = tensor(drawn, { device });

  using lloyd = capture(({ centres }: { centres: Tensor }) => {
    const distances = cdist(points, centres); // [points, centres]
    const chosen = oneHot(distances.argmin(1), TRUTH.length);
    const counts = sum(chosen, 0).unsqueeze(1);
    return {
      centres: matmul(chosen, points, { transposeA: true }).div(maximum(counts, 1)),
      inertia: distances.min(1).square().sum(), // within-cluster sum of squares
    };
  });
  using first = tensor(farthest(drawn, TRUTH.length), { device });
  let { centres, inertia } = lloyd({ centres: first });
  for (let i = 1; i < steps; i += 1) ({ centres, inertia } = lloyd({ centres }));

  const found = (await centres.array()) as number[][];
  const errors = TRUTH.map(([x, y]) => Math.min(...found.map(([a = 0, b = 0]) => Math.hypot(a - x, b - y))));
  for (const [a = 0, b = 0] of found) console.log(`centre (${a.toFixed(2)}, ${b.toFixed(2)})`);
  const spread = Math.sqrt((await inertia.item()) / (2 * POINTS));
  console.log(`farthest from a true centre: ${Math.max(...errors).toFixed(3)}; spread ${spread.toFixed(3)}, truth 0.6`);
  return { error: Math.max(...errors), spread };
}
