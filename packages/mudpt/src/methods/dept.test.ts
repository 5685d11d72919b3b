/** DePT against its formula in f64; its classifier on classes that were learnt and on others; what it refuses. */
import { scope } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import type { Rows } from '@mudpt/testing/reference/clip';
import {
  cosines,
  crossEntropy,
  disturbed,
  expectStep,
  imageFeatures,
  linearRows,
  rowsOf,
  textFeature,
  type Values,
} from '../../test/f64-losses.ts';
import { CLASSES, TINY, tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';

eachDevice('DePT', (ctx) => {
  it('has the loss, the logits and the derivatives of its formula', async () => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const context = await tinyContext(clip);
      const [weight, n] = [0.4, 3];
      const method = tinyMethod(context, 'dept', { weight, baseSettings: { length: n } });
      const values = await disturbed(method);
      const batch = tinyBatch(ctx.device);
      const [pixels, labels] = [await batch.images.data(), await batch.labels.data()];
      const texts = CLASSES.map((name) => context.tokenizer.encode(`X X X ${name.replaceAll('_', ' ')}.`));
      const images = imageFeatures(pixels);
      const scaled = (rows: Rows, tower: string, of: Values): Rows =>
        rows.map((row) =>
          row.map(
            (value, i) => value * (of.get(`film_lp_${tower}.scale`)?.[i] ?? 0) + (of.get(`film_lp_${tower}.bias`)?.[i] ?? 0),
          ),
        );
      const head = (rows: Rows, of: Values): number[][] =>
        linearRows(rows, of.get('linear_probe_proj.weight'), of.get('linear_probe_proj.bias')).map((row) => [...row]);
      const featuresOf = (of: Values): Rows => {
        const context3 = rowsOf(of.get('prompt_learner.ctx'), TINY.text.width);
        return texts.map((ids) => textFeature(ids, new Map(context3.map((row, index) => [1 + index, row]))));
      };
      const loss = (of: Values): number => {
        const features = featuresOf(of);
        const ofClasses = Array.from(labels, (label) => features[label] as Float64Array);
        const both = [...scaled(ofClasses, 'text', of), ...scaled(images, 'img', of)];
        const cosine = crossEntropy(cosines(images, features, context.scale), labels);
        return (1 - weight) * cosine + weight * crossEntropy(head(both, of), [...labels, ...labels]);
      };
      await expectStep(method, batch, values, loss);
      const [ofPrompts, ofHead] = [
        cosines(images, featuresOf(values), context.scale),
        head(scaled(images, 'img', values), values),
      ].map((rows) => rows.flat()) as [number[], number[]];
      const fused = ofPrompts.map((value, index) => (1 - weight) * value + weight * (ofHead[index] as number));
      const found = await method.evaluate(batch.images).data();
      expect(Array.from(found)).toEqual(fused.map((value) => expect.closeTo(value, 4)));
      const { loss: total, terms } = method.loss(batch.images, batch.labels);
      const parts = await Promise.all(Object.values(terms).map((term) => term.item()));
      expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(await total.item(), 5);
      method.dispose();
    });
  });

  it('judges classes that were learnt by both, in any text, and others by the prompts alone', async () => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const context = await tinyContext(clip);
      const dept = tinyMethod(context, 'dept', { base: 'maple', baseSettings: { depth: 2 } });
      const maple = tinyMethod(context, 'maple', { depth: 2 });
      const { images, labels } = tinyBatch(ctx.device);
      const others = { classNames: ['tree frog', 'chime', 'cat', 'dog'], template: '{}' };
      const [there, here] = [dept.forContext(others), maple.forContext(others)];
      // The prompts begin as the base's: the classifier draws after them.
      expect(await there.evaluate(images).data()).toEqual(await here.evaluate(images).data());
      expect(() => there.loss(images, labels)).toThrow(/its classifier has other classes.*for these classes/s);
      expect(await dept.evaluate(images).data()).not.toEqual(await maple.evaluate(images).data());
      for (const method of [there, here, dept, maple]) method.dispose();
    });
  });

  it('gives some of its classes their columns of both, in any order', async () => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const classNames = ['cat', 'great_white shark', 'tree frog'];
      const method = tinyMethod(await tinyContext(clip, { classNames }), 'dept', { baseSettings: { length: 2 } });
      const { images } = tinyBatch(ctx.device);
      const all = await method.evaluate(images).data();
      const part = method.forContext({ classNames: ['tree frog', 'cat'], template: '{}' });
      const expected = [0, 1, 2].flatMap((row) => [all[3 * row + 2], all[3 * row]]);
      expect(Array.from(await part.evaluate(images).data())).toEqual(expected.map((value) => expect.closeTo(value as number, 4)));
      part.dispose();
      method.dispose();
    });
  });

  it('learns faster with its classifier, and lowers the depths of its base to the towers unless they were asked for', async () => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const context = await tinyContext(clip);
      const method = tinyMethod(context, 'dept', { base: 'maple' });
      expect(method.spec.image?.layers).toHaveLength(TINY.image.layers);
      expect(method.rateFactors?.get('linear_probe_proj.weight')).toBe(6.5);
      expect(method.rateFactors?.has('prompt_learner.ctx')).toBe(false);
      const names = [...method.learnable.keys()].filter((name) => method.rateFactors?.has(name));
      expect(names).toEqual([
        ...['img', 'text'].flatMap((tower) => ['scale', 'bias'].map((part) => `film_lp_${tower}.${part}`)),
        ...['weight', 'bias'].map((part) => `linear_probe_proj.${part}`),
      ]);
      method.dispose();
      const make = (settings: object) => () => tinyMethod(context, 'dept', { ...settings });
      expect(make({ base: 'maple', baseSettings: { depth: 9 } })).toThrow(/depth is 9/);
      expect(make({ baseSettings: { lenght: 4 } })).toThrow(/coop has no such setting: did you mean length\?/);
      expect(make({ baseSettings: { length: 3, initWords: 'a photo of a' } })).toThrow(
        /3 would have no effect, because initWords/,
      );
      expect(make({ base: 'dept' })).toThrow(/base/);
    });
  });
});
