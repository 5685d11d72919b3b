import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { randomFrom } from '@mudpt/autograd';
import { type Clip, randomClip } from '@mudpt/clip';
import { capture, scope } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { TINY, tinyClip } from '@mudpt/testing/models/small-clip';
import { TINY as UNEVEN, tinyMethod } from '../../test/uneven.ts';
import { BatchLoader, type Item } from '../data/index.ts';
import { openDataset } from '../datasets/index.ts';
import { type Method, methodContext } from '../methods/index.ts';
import { evaluationBatch } from '../memory/evaluation-batch.ts';
import { scaledProbabilities } from './calibration.ts';
import { imageFeatures } from './image-features.ts';
import { rankLogits } from './predictions.ts';

const item = (label: number): Item => ({ id: String(label), image: '', label });

describe('rankLogits', () => {
  it('orders labels by probability, the first of equals first, and tells the loss', () => {
    const [first, second] = rankLogits([item(2), item(0)], Float32Array.of(1, 3, 1, 0, 0, 0), 3, 2);
    const total = Math.exp(1) + Math.exp(3) + Math.exp(1);
    expect(first?.top.map(([label]) => label)).toEqual([1, 0]);
    expect(first?.top[0]?.[1]).toBeCloseTo(Math.exp(3) / total, 12);
    expect(first?.loss).toBeCloseTo(Math.log(total) - 1, 12);
    expect(second?.top).toEqual([
      [0, 1 / 3],
      [1, 1 / 3],
    ]);
  });

  it('tells the largest logit, and its probability at a temperature', () => {
    const logits = Float32Array.of(1, 3, 1);
    const [plain] = rankLogits([item(0)], logits, 3);
    expect([plain?.logit, plain?.confidence]).toEqual([3, plain?.top[0]?.[1]]);
    const [cooled] = rankLogits([item(0)], logits, 3, 3, 2);
    expect(cooled?.confidence).toBeCloseTo(Math.exp(1.5) / (2 * Math.exp(0.5) + Math.exp(1.5)), 12);
    expect(cooled?.confidence).toBeCloseTo(scaledProbabilities(cooled?.top ?? [], 2)[0]?.[1] ?? 0, 12);
    expect([cooled?.top, cooled?.loss]).toEqual([plain?.top, plain?.loss]);
  });

  it('keeps a few of many labels as sorting all would', () => {
    const logits = Float32Array.from({ length: 60 }, (_, label) => (label * 37) % 11);
    const kept = (keep: number): unknown => rankLogits([item(0)], logits, 60, keep)[0]?.top;
    expect(kept(60)).toHaveLength(60);
    for (const keep of [1, 5, 13, 59]) expect(kept(keep)).toEqual((kept(60) as unknown[]).slice(0, keep));
  });

  it('bears logits that exp would not', () => {
    const [only] = rankLogits([item(1)], Float32Array.of(1000, -1000), 2);
    expect([only?.top[0], only?.loss]).toEqual([[0, 1], 2000]);
  });
});

it('takes no more pictures at once than a storage binding holds', () => {
  const clip = (bytes: number) =>
    ({ config: TINY, device: { limits: { maxStorageBufferBindingSize: bytes } } }) as unknown as Clip;
  expect(evaluationBatch(clip(2 ** 30), 100)).toBe(100);
  // 34 rows of 192 channels of 4 bytes a image.
  expect(evaluationBatch(clip(34 * 192 * 4 * 7), 100)).toBe(7);
  expect(evaluationBatch(clip(1), 100)).toBe(1);
  // Where every image has the texts of 1000 classes: 32 channels of 4 bytes a text.
  const method = { kind: 'prompts', textsPerImage: 1000 } as Method;
  expect(evaluationBatch(clip(32 * 4 * 1000 * 7), 100, method)).toBe(7);
});

eachDevice('CoCoOp with 1000 classes', (ctx) => {
  it('is evaluated in batches whose texts fit a binding, where a larger one does not', async () => {
    const config = { ...UNEVEN, embed: 512 };
    using clip = randomClip(config, randomFrom(1), { device: ctx.device });
    await scope(async () => {
      const classNames = Array.from({ length: 1000 }, (_, label) => `thing ${label}`);
      const context = await methodContext(clip, { classNames, template: 'a {}.', seed: 1 });
      const method = tinyMethod(context, 'cocoop');
      const fitting = Math.floor(ctx.device.limits.maxStorageBufferBindingSize / (4 * config.embed * classNames.length));
      const batch = evaluationBatch(clip, 1e6, method);
      expect(batch).toBe(fitting);
      const images = (count: number) => ({ images: { shape: [count, 3, config.image.size, config.image.size] } });
      using evaluate = capture<'images', unknown>((input) => method.evaluate(input.images), { device: ctx.device });
      // More than some hundred images take long to record.
      if (batch < 100) {
        expect(evaluate.cost(images(batch)).flops).toBeGreaterThan(0);
        expect(() => evaluate.cost(images(batch + 1))).toThrow(/bind/);
      }
      method.dispose();
    });
  });
});

eachDevice('imageFeatures', (ctx) => {
  it('are the same however pictures are batched, the incomplete batch included', async () => {
    await using at = await temporaryFolder();
    await writeShapes(join(at.path, 'shapes'), { train: 1, test: 2 });
    const { splits } = await openDataset(join(at.path, 'shapes'));
    using clip = tinyClip(ctx.device);
    const loader = new BatchLoader({ size: TINY.image.size, workers: 0 });
    const parts = await imageFeatures(clip, loader, splits.test, { batch: 3 });
    const whole = await imageFeatures(clip, loader, splits.test, { batch: 8 });
    const none = await imageFeatures(clip, loader, [], { batch: 3 });
    const [a, b] = [await parts.features.data(), await whole.features.data()];
    expect(a).toHaveLength(8 * TINY.embed);
    for (const [index, value] of a.entries()) expect(value).toBeCloseTo(b[index] ?? Number.NaN, 4);
    expect([parts.items, [...parts.labels]]).toEqual([splits.test, [0, 0, 1, 1, 2, 2, 3, 3]]);
    expect(none.features.shape).toEqual([0, TINY.embed]);
    for (const { features } of [parts, whole, none]) features.dispose();
    await loader.close();
  });
});
