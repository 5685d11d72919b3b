/** PromptKD's student against its formula in f64, with a teacher of other sizes; running statistics; what is not read, and what is refused. */
import { randomFrom } from '@mudpt/autograd';
import { type Clip, randomClip } from '@mudpt/clip';
import { keep, mul, scope, type Tensor, tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import {
  cosines,
  disturbed,
  expectStep,
  imageFeatures,
  linearRows,
  logSoftmax,
  PATCHES,
  rowsOf,
  type Values,
} from '../../test/f64-losses.ts';
import { CLASSES, TINY, tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import { frozenClip, teacherOf } from '../prompts/frozen.ts';
import { methodContext, type Teacher } from './index.ts';
import { Stepper } from '../train/step.ts';
import { methodNamed } from './registry.ts';

const PROJECTOR = 'VPT_image_trans.conv1';
/** Wider features than the student's. */
const EMBED = 20;

eachDevice('PromptKD', (ctx) => {
  const larger = (): Clip => randomClip({ ...TINY, embed: EMBED }, randomFrom(7), { device: ctx.device });
  const teacherOn = async (clip: Clip): Promise<Teacher> => {
    const context = await methodContext(clip, { classNames: ['one', 'two'], template: 'a {}.', seed: 1 });
    return teacherOf('a larger CLIP', frozenClip(context), { embed: EMBED, bytes: 3 * 2 ** 20 });
  };

  it('has the loss and the derivatives of its formula, whatever the labels', async () => {
    using clip = tinyClip(ctx.device);
    using second = larger();
    await scope(async () => {
      const [temperature, weight, length] = [2, 30, 3];
      const context = await tinyContext(clip, { teacher: await teacherOn(second) });
      const method = tinyMethod(context, 'promptkd', { depth: 2, length, temperature, weight });
      const values = await disturbed(method);
      const batch = tinyBatch(ctx.device, 5);
      const pixels = await batch.images.data();
      // The teacher's part, from its CLIP as it is: class vectors of the classes that are learnt, and logits.
      const texts = CLASSES.map((name) => `a photo of a ${name.replaceAll('_', ' ')}.`);
      const vectors = rowsOf(Float64Array.from(await (await second.encodeText(texts)).data()), EMBED);
      const seen = rowsOf(Float64Array.from(await second.tower('image').forward(batch.images).data()), EMBED);
      const scale = Math.exp(await second.logitScale.item());
      const target = cosines(seen, vectors, scale).map((row) => logSoftmax(row.map((value) => value / temperature)));
      const features = (of: Values): Float64Array[] => {
        const rows = (name: string) => rowsOf(of.get(`image_encoder.${name}`), TINY.image.width);
        return imageFeatures(pixels, {
          append: rows('VPT'),
          hook: (tokens, layer) =>
            layer === 1 ? [...tokens.slice(0, PATCHES), ...rows('transformer.resblocks.1.VPT_shallow')] : tokens,
        });
      };
      const layer = (rows: Float64Array[], of: Values, index: number): Float64Array[] =>
        linearRows(rows, of.get(`${PROJECTOR}.${index}.weight`), of.get(`${PROJECTOR}.${index}.bias`));
      const moments = (rows: Float64Array[]): { mean: number[]; variance: number[] } => {
        const channels = Array.from({ length: EMBED }, (_, i) => rows.map((row) => row[i] as number));
        const mean = channels.map((channel) => channel.reduce((sum, value) => sum + value, 0) / rows.length);
        const squares = channels.map((channel, i) => channel.reduce((sum, value) => sum + (value - (mean[i] as number)) ** 2, 0));
        return { mean, variance: squares.map((sum) => sum / rows.length) };
      };
      const loss = (of: Values): number => {
        const hidden = layer(features(of), of, 0);
        const { mean, variance } = moments(hidden);
        const [factor, shift] = [of.get(`${PROJECTOR}.1.weight`), of.get(`${PROJECTOR}.1.bias`)];
        const normed = hidden.map((row) =>
          row.map((value, i) =>
            Math.max(
              0,
              ((value - (mean[i] as number)) / Math.sqrt((variance[i] as number) + 1e-5)) * (factor?.[i] ?? 0) +
                (shift?.[i] ?? 0),
            ),
          ),
        );
        const logits = cosines(layer(normed, of, 3), vectors, context.scale);
        const divergence = logits.reduce((sum, row, b) => {
          const log = logSoftmax(row.map((value) => value / temperature));
          return sum + (target[b] as number[]).reduce((all, q, c) => all + Math.exp(q) * (q - (log[c] as number)), 0);
        }, 0);
        return (weight * temperature ** 2 * divergence) / (logits.length * CLASSES.length);
      };
      // A shift before a batch norm moves nothing.
      await expectStep(method, batch, values, loss, [`${PROJECTOR}.0.bias`]);
      const others = tensor(new Int32Array(5), { device: ctx.device });
      expect(await method.loss(batch.images, others).loss.data()).toEqual(
        await method.loss(batch.images, batch.labels).loss.data(),
      );
      method.dispose();
    });
  });

  it('judges by running statistics, which a step moves and the optimizer leaves alone', async () => {
    using clip = tinyClip(ctx.device);
    using second = larger();
    await scope(async () => {
      const method = tinyMethod(await tinyContext(clip, { teacher: await teacherOn(second) }), 'promptkd', { depth: 1 });
      const [mean, variance] = ['mean', 'var'].map((name) => method.learnable.get(`${PROJECTOR}.1.running_${name}`)) as [
        Tensor,
        Tensor,
      ];
      const batch = tinyBatch(ctx.device, 4);
      const before = await method.evaluate(batch.images).data();
      expect(await method.evaluate(batch.images).data()).toEqual(before);
      const images = (await batch.images.data()) as Float32Array;
      const settings = methodNamed('promptkd').training?.parse({ lr: 1e-9, warmupEpochs: 0 });
      if (!settings) throw new Error('it is trained');
      using stepper = new Stepper(ctx.device, method, settings);
      const given = { images, shape: batch.images.shape as [number, 3, number, number], labels: new Int32Array(4), items: [] };
      stepper.step([given], settings.lr);
      // 0.9 of the ones they began with, and no weight decay on them: what comes from the batch is a tenth.
      const once = [await mean.data(), await variance.data()].map((values) => Float32Array.from(values));
      stepper.step([given], settings.lr);
      const twice = [await mean.data(), await variance.data()];
      for (const [place, began] of [0, 1].entries())
        for (const [i, value] of (twice[place] as Float32Array).entries())
          expect(value).toBeCloseTo(0.9 * (once[place]?.[i] ?? 0) + ((once[place]?.[i] ?? 0) - 0.9 * began), 5);
      expect(await method.evaluate(batch.images).data()).not.toEqual(before);
      const other = method.forContext({ classNames: ['tree frog', 'cat'], template: 'art of a {}.' });
      expect(other.textFeatures()?.shape).toEqual([2, EMBED]);
      expect(() => other.loss(batch.images, batch.labels)).toThrow(/made to judge other classes/);
      other.dispose();
      expect(method.remarks).toEqual(['it learns from a larger CLIP, which takes 3 MiB of device memory']);
      const one = keep(mul(tinyBatch(ctx.device, 1).images, 1));
      expect(() => method.loss(one, batch.labels)).toThrow(/at least two images/);
      one.dispose();
      method.dispose();
    });
  });

  it('refuses to be without a teacher, and one whose texts depend on the image', async () => {
    using clip = tinyClip(ctx.device);
    const context = await tinyContext(clip);
    const { create } = methodNamed('promptkd');
    expect(() => create(context, {})).toThrow(/it has no teacher.*--set teacher=/s);
    const conditional = teacherOf('CoCoOp', tinyMethod(context, 'cocoop'), { embed: TINY.embed, bytes: 0 });
    expect(() => create({ ...context, teacher: conditional }, { depth: 1 })).toThrow(/texts of CoCoOp depend on the image/);
  });
});
