import { expect, it } from 'vitest';
import { randomFrom } from '@mudpt/autograd';
import { type ClipConfig, randomClip } from '@mudpt/clip';
import { type Device, l2Normalize, tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { contrastiveGradients, contrastiveLoss, type PairBatch, twinLoss } from './objective.ts';
import { targetsOf } from './targets.ts';

const TOWER = { width: 16, heads: 2, layers: 2, hidden: 32, activation: 'quick_gelu', eps: 1e-5 } as const;
const CONFIG: ClipConfig = {
  embed: 8,
  image: { ...TOWER, size: 8, patch: 4 },
  text: { ...TOWER, context: 6, vocabulary: 20 },
};

const OPTIONS = { twinWeight: 0.5, twinScale: 5 };

/** Six images of three captions (and one row of padding): of the third image two captions are true. */
const CAPTIONS = [[0], [1], [0, 2], [2], [0], [1]];
const IDS = [18, 3, 19, 0, 18, 5, 6, 19, 18, 7, 19, 0, 18, 3, 19, 0];

/** The images' groups: the first two of caption 0 are two drawings of one thing, the third is another one. */
const MEMBERS = CAPTIONS.map((captions, at) => ({
  captions,
  group: at === 4 ? 9 : (captions[0] ?? 0),
  category: String(captions[0]),
}));

function targets(device: Device): Omit<PairBatch, 'windows' | 'places' | 'ids'> {
  const { toTexts, toImages, mask, twins, twinMask } = targetsOf(MEMBERS, 3, 4);
  const upload = ({ data, ...options }: typeof mask) => tensor(data, { ...options, device });
  return {
    toTexts: upload(toTexts),
    toImages: upload(toImages),
    mask: upload(mask),
    twins: upload(twins),
    twinMask: upload(twinMask),
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
  const toTexts = mean(logits.map((row, image) => logSum(row) - mean((CAPTIONS[image] ?? []).map((text) => row[text] ?? 0))));
  const toImages = [0, 1, 2].map((text) => {
    const column = logits.map((row) => row[text] ?? 0);
    return mean(column.filter((_, image) => CAPTIONS[image]?.includes(text)).map((value) => logSum(column) - value));
  });
  return (toTexts + mean(toImages)) / 2;
}

/** Supervised contrast in double precision: means over a drawing's twins, which are the images of its group. */
function expectedTwinLoss(images: number[][], scale: number): number {
  const rows = images.map((row) => row.map((value) => value / Math.hypot(...row)));
  const terms = rows.map((row, at) => {
    const twins = MEMBERS.flatMap(({ group }, other) => (other !== at && group === MEMBERS[at]?.group ? [other] : []));
    if (twins.length === 0) return 0;
    const isOther = (other: number): boolean => other !== at && MEMBERS[other]?.category !== MEMBERS[at]?.category;
    const logit = (other: number): number => scale * row.reduce((sum, value, k) => sum + value * (rows[other]?.[k] ?? 0), 0);
    const compared = rows.map((_, other) => other).filter((other) => twins.includes(other) || isOther(other));
    const logSum = Math.log(compared.reduce((sum, other) => sum + Math.exp(logit(other)), 0));
    return twins.reduce((sum, other) => sum + logSum - logit(other), 0) / twins.length;
  });
  return terms.reduce((sum, value) => sum + value, 0) / rows.length;
}

eachDevice('the contrastive objective', (ctx) => {
  it('is the symmetric cross-entropy over all captions that are true of an image', async () => {
    const { device } = ctx;
    const [images, texts] = [numbers(6 * 8, 1), numbers(4 * 8, 2)];
    const rows = (list: number[]): number[][] =>
      Array.from({ length: list.length / 8 }, (_, row) => list.slice(row * 8, row * 8 + 8));
    using x = tensor(images, { shape: [6, 8], device });
    using y = tensor(texts, { shape: [4, 8], device });
    using logScale = tensor([Math.log(5)], { shape: [], device });
    const others = targets(device);
    using unitX = l2Normalize(x, -1);
    using unitY = l2Normalize(y, -1);
    using loss = contrastiveLoss(unitX, unitY, logScale, others);
    expect(await loss.item()).toBeCloseTo(expectedLoss(rows(images), rows(texts), 5), 5);
    for (const tensor of Object.values(others)) tensor.dispose();
  });

  it('draws twins together', async () => {
    const { device } = ctx;
    const images = numbers(6 * 8, 7);
    const rows = Array.from({ length: 6 }, (_, row) => images.slice(row * 8, row * 8 + 8));
    using x = tensor(images, { shape: [6, 8], device });
    using unit = l2Normalize(x, -1);
    const others = targets(device);
    using loss = twinLoss(unit, others, 5);
    expect(await loss.item()).toBeCloseTo(expectedTwinLoss(rows, 5), 5);
    for (const tensor of Object.values(others)) tensor.dispose();
  });

  it('has the same gradient in chunks as in one piece', async () => {
    const { device } = ctx;
    using clip = randomClip(CONFIG, randomFrom(4), { device, trainable: true });
    const batch: PairBatch = {
      windows: tensor(numbers(6 * 3 * 48, 5), { shape: [6, 3, 48], device }),
      places: tensor(
        Int32Array.from({ length: 18 }, (_, at) => (at % 3) + (at % 2)),
        { shape: [6, 3], device },
      ),
      ids: tensor(IDS, { shape: [4, 4], dtype: 'i32', device }),
      ...targets(device),
    };
    const whole = contrastiveGradients(clip, batch, OPTIONS);
    const chunked = contrastiveGradients(clip, batch, { ...OPTIONS, chunk: 2 });
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
    expect(() => contrastiveGradients(clip, batch, { ...OPTIONS, chunk: 4 })).toThrow(/do not divide 6 images/);
    for (const { loss, gradients } of [whole, chunked]) {
      loss.dispose();
      gradients.dispose();
    }
    for (const tensor of Object.values(batch)) tensor.dispose();
  });
});
