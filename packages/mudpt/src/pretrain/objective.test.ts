import { expect, it } from 'vitest';
import { randomFrom } from '@mudpt/autograd';
import { type ClipConfig, randomClip } from '@mudpt/clip';
import { type Device, tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { contrastiveGradients, contrastiveLoss, type PairBatch } from './objective.ts';

const TOWER = { width: 16, heads: 2, layers: 2, hidden: 32, activation: 'quick_gelu', eps: 1e-5 } as const;
const CONFIG: ClipConfig = {
  embed: 8,
  image: { ...TOWER, size: 8, patch: 4 },
  text: { ...TOWER, context: 6, vocabulary: 20 },
};

/** Six images of three captions (and one row of padding): the first caption has three of them, the third one. */
const CAPTIONS = [0, 1, 0, 2, 0, 1];
const IDS = [18, 3, 19, 0, 18, 5, 6, 19, 18, 7, 19, 0, 18, 3, 19, 0];

function weights(): number[] {
  const counts = [3, 2, 1];
  return [0, 1, 2, 3].flatMap((text) => CAPTIONS.map((caption) => (caption === text ? 1 / (3 * (counts[text] ?? 1)) : 0)));
}

function rest(device: Device): Omit<PairBatch, 'images' | 'ids'> {
  return {
    captions: tensor(CAPTIONS, { dtype: 'i32', device }),
    weights: tensor(weights(), { shape: [4, 6], device }),
    mask: tensor([0, 0, 0, -1e9], { device }),
  };
}

function numbers(count: number, seed: number): number[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, () => 2 * random() - 1);
}

/** The loss in double precision, written as its definition. */
function expectedLoss(images: number[][], texts: number[][], scale: number): number {
  const unit = (row: number[]): number[] => row.map((value) => value / Math.hypot(...row));
  const [a, b] = [images.map(unit), texts.slice(0, 3).map(unit)];
  const logits = a.map((image) => b.map((text) => scale * image.reduce((sum, value, at) => sum + value * (text[at] ?? 0), 0)));
  const logSum = (list: number[]): number => Math.log(list.reduce((sum, value) => sum + Math.exp(value), 0));
  const mean = (list: number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
  const toTexts = mean(logits.map((row, image) => logSum(row) - (row[CAPTIONS[image] ?? 0] ?? 0)));
  const toImages = [0, 1, 2].map((text) => {
    const column = logits.map((row) => row[text] ?? 0);
    return mean(column.filter((_, image) => CAPTIONS[image] === text).map((value) => logSum(column) - value));
  });
  return (toTexts + mean(toImages)) / 2;
}

eachDevice('the contrastive objective', (ctx) => {
  it('is the symmetric cross-entropy with equal captions as one text', async () => {
    const { device } = ctx;
    const [images, texts] = [numbers(6 * 8, 1), numbers(4 * 8, 2)];
    const rows = (list: number[]): number[][] =>
      Array.from({ length: list.length / 8 }, (_, row) => list.slice(row * 8, row * 8 + 8));
    using x = tensor(images, { shape: [6, 8], device });
    using y = tensor(texts, { shape: [4, 8], device });
    using logScale = tensor([Math.log(5)], { shape: [], device });
    const others = rest(device);
    using loss = contrastiveLoss(x, y, logScale, others);
    expect(await loss.item()).toBeCloseTo(expectedLoss(rows(images), rows(texts), 5), 5);
    for (const tensor of Object.values(others)) tensor.dispose();
  });

  it('has the same gradient in chunks as in one piece', async () => {
    const { device } = ctx;
    using clip = randomClip(CONFIG, randomFrom(4), { device, trainable: true });
    const batch: PairBatch = {
      images: tensor(numbers(6 * 3 * 64, 5), { shape: [6, 3, 8, 8], device }),
      ids: tensor(IDS, { shape: [4, 4], dtype: 'i32', device }),
      ...rest(device),
    };
    const whole = contrastiveGradients(clip, batch);
    const chunked = contrastiveGradients(clip, batch, 2);
    expect(await chunked.loss.item()).toBeCloseTo(await whole.loss.item(), 6);
    expect(new Set(chunked.gradients.keys())).toEqual(new Set(whole.gradients.keys()));
    expect(whole.gradients.size).toBe(clip.parameters().length);
    for (const [weight, gradient] of whole.gradients) {
      const [a, b] = [await gradient.data(), await chunked.gradients.of(weight).data()];
      const size = Math.hypot(...a);
      const distance = Math.hypot(...Array.from(a, (value, index) => value - (b[index] ?? 0)));
      expect(size).toBeGreaterThan(0);
      expect(distance / size).toBeLessThan(1e-5);
    }
    expect(() => contrastiveGradients(clip, batch, 4)).toThrow(/do not divide 6 images/);
    for (const { loss, gradients } of [whole, chunked]) {
      loss.dispose();
      gradients.dispose();
    }
    for (const tensor of Object.values(batch)) tensor.dispose();
  });
});
