/** TaskRes on other classes: the rows of those it was trained on, and nothing else. */
import { copyInto, scope } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';

eachDevice('TaskRes', (ctx) => {
  it('gives some of its classes their columns of the logits, and refuses classes without a residual', async () => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const classNames = ['cat', 'great_white shark', 'tree frog'];
      const method = tinyMethod(await tinyContext(clip, { classNames }), 'taskres', { templates: ['a {}.', 'the {}.'] });
      const { images } = tinyBatch(ctx.device);
      const [residuals] = [...method.learnable.values()];
      const { textFeatures, logits: before } = method.forward(images);
      if (residuals) copyInto(residuals, textFeatures);
      const all = await method.evaluate(images).data();
      // The residual is added to the text features, of which it is a multiple here: the cosines stay.
      expect(Array.from(all)).toEqual(Array.from(await before.data(), (value) => expect.closeTo(value, 4)));
      const part = method.forContext({ classNames: ['tree frog', 'cat'], template: '{}' });
      const some = await part.evaluate(images).data();
      const expected = [0, 1, 2].flatMap((row) => [all[3 * row + 2], all[3 * row]]);
      expect(Array.from(some)).toEqual(expected.map((value) => expect.closeTo(value as number, 4)));
      expect(() => method.forContext({ classNames: ['cat', 'dog'], template: '{}' })).toThrow(/none for "dog".*cannot classify/s);
      expect(() => part.forContext({ classNames, template: '{}' }).dispose()).not.toThrow();
      part.dispose();
      method.dispose();
    });
  });
});
