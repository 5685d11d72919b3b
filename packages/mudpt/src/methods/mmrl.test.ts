/** MMRL's two features: which of them judge what. */
import { scope } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import { disturbed } from '../../test/f64-losses.ts';
import { Mmrl } from './mmrl.ts';

eachDevice('MMRL', (ctx) => {
  it("judges classes that it learnt by both features, and those of another data set by CLIP's alone", async () => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const context = await tinyContext(clip);
      const method = tinyMethod(context, 'mmrl', { length: 2, width: 7, firstLayer: 2, lastLayer: 3 });
      if (!(method instanceof Mmrl)) throw new Error('the registry makes another class');
      await disturbed(method);
      const { images } = tinyBatch(ctx.device);
      const texts = method.textFeatures();
      if (!texts) throw new Error('its texts do not depend on the image');
      const { clip: alone, fused } = method.branches(method.bothFeatures(images), texts);
      const { classNames, template } = context;
      for (const [isElsewhere, expected] of [
        [false, fused],
        [true, alone],
      ] as const) {
        const other = method.forContext({ classNames, template, isElsewhere });
        const values = Array.from(await expected.data(), (value) => expect.closeTo(value, 3));
        expect(Array.from(await other.evaluate(images).data())).toEqual(values);
        other.dispose();
      }
      const some = method.forContext({ classNames: classNames.slice(0, 2), template });
      const [found, all, { length }] = [await some.evaluate(images).data(), await fused.data(), classNames];
      const columns = [0, 1, 2].flatMap((row) => [all[length * row], all[length * row + 1]]);
      expect(Array.from(found)).toEqual(columns.map((value) => expect.closeTo(value as number, 3)));
      some.dispose();
      expect(Array.from(await fused.data())).not.toEqual(Array.from(await alone.data()));
      method.dispose();
    });
  });
});
