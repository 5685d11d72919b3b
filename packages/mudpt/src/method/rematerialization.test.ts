/** Rematerialization: it changes memory, not numbers. */
import { Tape } from '@mudpt/autograd';
import type { Recompute } from '@mudpt/clip';
import { capture, scope, type Tensor } from '@mudpt/tensor';
import { engineOf, nth } from '@mudpt/tensor/internal';
import { describe, expect, it } from 'vitest';
import { eachDevice, hasDefaultLimits } from '@mudpt/testing/support';
import { CLASSES, stepTensors, numbers, TINY, tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import { describeRematerialization, KEEP_ALL, RECOMPUTE, SELECTIVE } from './rematerialization.ts';

const whole = (microBatches: number, recompute: Recompute = false) => ({ microBatches, recompute });

/** Longer names, so that texts outweigh images. */
const MANY = Array.from({ length: 40 }, (_, index) => `${CLASSES[index % 3]} ${index}`);

eachDevice('rematerialization', (ctx) => {
  it('a captured step has the bits of the eager one, takes one submit, and less memory the less it keeps', async () => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const { images, labels } = tinyBatch(ctx.device);
      const method = tinyMethod(await tinyContext(clip, { classNames: MANY }), 'mudpt', { depth: 3 });
      const planned: number[] = [];
      const work: number[] = [];
      let kept: Awaited<ReturnType<typeof numbers>> | undefined;
      for (const rematerialization of [
        KEEP_ALL,
        SELECTIVE,
        RECOMPUTE,
        { text: whole(4), image: whole(3) },
        { text: whole(8, true), image: whole(3, true) },
      ]) {
        method.rematerialize(rematerialization);
        const eager = await numbers(method, images, labels);
        using step = capture(({ x, y }: { x: Tensor; y: Tensor }) => stepTensors(method, x, y), { device: ctx.device });
        step({ x: images, y: labels });
        await ctx.device.synchronize();
        const { submits } = ctx.device.counters();
        const { loss, gradients } = step({ x: images, y: labels });
        expect(ctx.device.counters().submits - submits).toBe(1);
        expect(await loss.data()).toEqual(eager.get('loss'));
        for (const [key, gradient] of Object.entries(gradients))
          expect(await gradient.data(), key).toEqual(eager.get(`grad ${key}`));
        // Around the blocks, which take 7 dispatches forward and 8 backward (attention's three included): injections, prompts, embeddings, heads, optimizer.
        if (planned.length === 0 && ctx.device.adapter.kind === 'lavapipe' && !hasDefaultLimits)
          expect(step.plans[0]?.steps.length).toBeLessThanOrEqual(386);
        // Half blocks and blocks have the bits of what is kept; of micro-batches the sums are in another order.
        kept ??= eager;
        if (planned.length < 3) expect(eager).toEqual(kept);
        planned.push(step.plans[0]?.bytes.planned ?? 0);
        work.push(step.plans[0]?.flops ?? 0);
      }
      // The backward needs no result of a block that it computes again, so the last product of each is no part of the plan.
      expect(nth(work, 0)).toBeLessThan(nth(work, 1));
      expect(nth(work, 1)).toBeLessThan(nth(work, 2));
      expect(nth(work, 2)).toBeLessThan(1.36 * nth(work, 0));
      expect(planned).toEqual([...planned].sort((a, b) => b - a));
      expect(planned.at(-1)).toBeLessThan((planned[0] ?? 0) / 4);
      method.dispose();
    });
  });

  it('keeps only what a needed gradient reads', async () => {
    using clip = tinyClip(ctx.device);
    const { image } = clip;
    if (!image) throw new Error('no image tower');
    await scope(async () => {
      const { images } = tinyBatch(ctx.device);
      const learnt = 2;
      const method = tinyMethod(await tinyContext(clip), 'vpt', { length: learnt, depth: 1 });
      const before = engineOf(ctx.device).stats.liveBytes;
      using tape = new Tape();
      scope(() => void method.forward(images));
      expect(tape.length).toBeGreaterThan(0);
      const bytes = engineOf(ctx.device).stats.liveBytes - before;
      // VPT learns in the image tower alone: its texts are constants, and leave nothing.
      const { width, hidden, layers, heads, size, patch } = TINY.image;
      const [count = 0] = images.shape;
      const rows = count * (1 + (size / patch) ** 2 + learnt);
      const statistics = 4; // the reciprocal deviation and three moments
      // Norm's input, fused q k v, attention's result, second norm's input, what the activation reads, and attention's log-sum-exp.
      const block = (tokens: number) => tokens * (width + hidden + statistics);
      const floats =
        learnt * statistics + // the norm before the blocks, of the learnt tensors, which live anyway
        (layers - 1) * (block(rows) + rows * (width + statistics + 3 * width + width + heads)) +
        // In the last block only class tokens have queries.
        (block(count) + rows * (width + statistics + 2 * width) + count * (width + width + heads)) +
        count * (width + statistics) + // the norm after them, of the class tokens
        (count + CLASSES.length) * TINY.embed; // features before they are normalised, and the normalised texts they are compared with
      expect(bytes).toBe(4 * floats);
      method.dispose();
    });
  });
});

describe('describeRematerialization', () => {
  it('says what is done', () => {
    expect(describeRematerialization(KEEP_ALL)).toBe('everything kept');
    expect(describeRematerialization(RECOMPUTE)).toBe('texts with blocks computed twice, images with blocks computed twice');
    expect(describeRematerialization({ ...SELECTIVE, image: whole(2, 'selective') })).toBe(
      'texts with half blocks computed twice, images in two passes of 2 parts, half blocks computed twice',
    );
    expect(describeRematerialization({ text: whole(4), image: whole(1) })).toBe(
      'texts in two passes of 4 parts, images in two passes of 1 part',
    );
  });
});
