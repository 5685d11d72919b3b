/**
 * LoRA of CLIP: low-rank updates of queries and values teach the frozen image tower new drawings; classes are still told by the text tower.
 * (Hu et al., arXiv:2106.09685.) Only the updates learn: the frozen weights cost no gradient.
 */
import { AdamW, lossAndGradients, parameter, randomFrom, uniform } from '@mudpt/autograd';
import { type BlockAdapter, CLIP_MEAN, CLIP_STD, loadClip } from '@mudpt/clip';
import { capture, countCorrect, crossEntropy, type Device, keep, type Tensor, zeros } from '@mudpt/tensor';

/** Outlines of shapes of about unit size: whether a point is inside. */
const SHAPES: Readonly<Record<string, (x: number, y: number) => boolean>> = {
  circle: (x, y) => Math.hypot(x, y) < 1,
  ring: (x, y) => Math.abs(Math.hypot(x, y) - 0.75) < 0.25,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 0.85,
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) < 0.28 && Math.max(Math.abs(x), Math.abs(y)) < 1,
  triangle: (x, y) => y < 0.6 && y > -1 + 1.8 * Math.abs(x),
  heart: (x, y) => (x * x + y * y - 0.6) ** 3 < -(x * x) * y ** 3,
  moon: (x, y) => Math.hypot(x, y) < 1 && Math.hypot(x - 0.5, y) > 0.8,
  star: (x, y) => Math.hypot(x, y) < 0.65 + 0.35 * Math.cos(5 * Math.atan2(x, -y)),
};
const NAMES = Object.keys(SHAPES);

/** Drawings [n, 3, size, size] in random colours, sizes, places and turns, normalised as CLIP wants them, and the shape of each. */
function drawings(random: () => number, count: number, size: number) {
  const pixels = new Float32Array(count * 3 * size * size);
  const between = (low: number, high: number) => low + (high - low) * random();
  for (let n = 0; n < count; n += 1) {
    const inside = SHAPES[NAMES[n % NAMES.length] ?? ''];
    const [ink, paper] = [0, 1].map((light) => [0, 1, 2].map(() => 0.75 * light + 0.25 * random()));
    const [cx, cy, scale, turn] = [between(0.4, 0.6), between(0.4, 0.6), size * between(0.25, 0.4), between(-0.3, 0.3)];
    for (let at = 0; at < size * size; at += 1) {
      const [x, y] = [((at % size) - cx * size) / scale, (Math.floor(at / size) - cy * size) / scale];
      const colour = inside?.(x * Math.cos(turn) - y * Math.sin(turn), x * Math.sin(turn) + y * Math.cos(turn)) ? ink : paper;
      for (const [c, mean] of CLIP_MEAN.entries())
        pixels[(n * 3 + c) * size * size + at] = ((colour?.[c] ?? 0) - mean) / (CLIP_STD[c] ?? 1);
    }
  }
  const labels = Int32Array.from({ length: count }, (_, n) => n % NAMES.length);
  return {
    images: { data: pixels, shape: [count, 3, size, size] },
    labels: { data: labels, shape: [count], dtype: 'i32' as const },
  };
}

/** The small CLIP of drawn icons that comes with mudpt; any folder, address or name on the hub does. */
const MODEL = new URL('../packages/mudpt/assets/clip/', import.meta.url);

export default async function main(device: Device, { steps = 60, rank = 4 } = {}) {
  const random = randomFrom(6);
  using clip = await loadClip(MODEL, { device });
  const tower = clip.tower('image');
  const { width, layers, size } = tower.config;
  using classes = await clip.classFeatures(NAMES, ['an icon of a {}.']);

  // b begins at 0, so that the model begins as it was.
  const update = () => ({
    a: uniform([rank, width], 1 / Math.sqrt(width), { device, random }),
    b: parameter(keep(zeros([width, rank], { device }))),
    scale: 1,
  });
  const adapters: BlockAdapter[] = Array.from({ length: layers }, () => ({ lowRank: { q: update(), v: update() } }));
  const learnt = adapters.flatMap(({ lowRank }) => [lowRank?.q, lowRank?.v].flatMap((one) => (one ? [one.a, one.b] : [])));
  const logits = (images: Tensor) => clip.similarity(tower.forward(images, { adapters }), classes);

  using optimizer = new AdamW(learnt, { lr: 5e-3 });
  using step = capture(({ images, labels }: { images: Tensor; labels: Tensor }) => {
    const { value, gradients } = lossAndGradients(() => crossEntropy(logits(images), labels));
    optimizer.step(gradients);
    return value;
  });
  using correct = capture(({ images, labels }: { images: Tensor; labels: Tensor }) => countCorrect(logits(images), labels));
  const unseen = drawings(randomFrom(7), 48, size);
  const accuracy = async () => (await correct(unseen).item()) / 48;

  const before = await accuracy();
  let loss = 0;
  for (let i = 1; i <= steps; i += 1) {
    const value = step(drawings(random, 32, size));
    if (i % 20 === 0 || i === steps) console.log(`step ${i}: loss ${((loss = await value.item())).toFixed(3)}`);
  }
  const after = await accuracy();
  const numbers = learnt.reduce((sum, one) => sum + one.size, 0);
  console.log(
    `${numbers} numbers learnt: ${(100 * before).toFixed(0)} % of new drawings right before, ${(100 * after).toFixed(0)} % after`,
  );
  for (const one of learnt) one.dispose();
  return { before, after, loss };
}
