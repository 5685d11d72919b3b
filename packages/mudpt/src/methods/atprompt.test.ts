/** ATPrompt in both forms against its formula in f64; where its tokens stand; words of several tokens. */
import { scope, type Tensor } from '@mudpt/tensor';
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
  PATCHES,
  rowsOf,
  textFeature,
  type Values,
} from '../../test/f64-losses.ts';
import { CLASSES, TINY, tinyBatch, tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import { layoutOf } from '../method/prompt-spec.ts';
import { nearestWords } from '../report/words.ts';

const LEARNER = 'prompt_learner';

eachDevice('ATPrompt', (ctx) => {
  it.each(['coop', 'maple'] as const)('in the form of %s has the loss and the derivatives of its formula', async (form) => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const context = await tinyContext(clip);
      const attributes = ['color', 'playfulness'];
      const settings = { form, attributes, length: 2, ...(form === 'maple' && { depth: 3 }) };
      const method = tinyMethod(context, 'atprompt', settings);
      const values = await disturbed(method);
      const batch = tinyBatch(ctx.device);
      const [pixels, labels] = [await batch.images.data(), await batch.labels.data()];
      const word = attributes.map((text) => context.tokenizer.encode(text).length - 2);
      expect(word).toEqual([1, 2]);
      // X X color X X play fulness X X NAME .
      const places = [1, 2, 4, 5, 8, 9];
      const texts = CLASSES.map((name) =>
        context.tokenizer.encode(`X X color X X playfulness X X ${name.replaceAll('_', ' ')}.`),
      );
      const loss = (of: Values): number => {
        const rows = (name: string): Float64Array[] => rowsOf(of.get(`${LEARNER}.${name}`), TINY.text.width);
        const first = [...rows('ctx_att1'), ...rows('ctx_att2'), ...rows('ctx')];
        const deep = (layer: number): Rows => rows(`compound_prompts_text.${layer - 1}`);
        const isDeep = (layer: number): boolean => form === 'maple' && layer > 0;
        const replaced = (tokens: Rows, layer: number): Rows =>
          isDeep(layer) && layer < 3 ? [...tokens.slice(0, 8), ...deep(layer), ...tokens.slice(10)] : tokens;
        const learnt = new Map(places.map((place, index) => [place, first[index] as Float64Array]));
        const project = (tokens: Rows, name: string): Rows =>
          linearRows(tokens, of.get(`${LEARNER}.${name}.weight`), of.get(`${LEARNER}.${name}.bias`));
        const images =
          form === 'coop'
            ? imageFeatures(pixels)
            : imageFeatures(pixels, {
                append: project(rows('ctx'), 'proj'),
                hook: (tokens, layer) =>
                  layer === 0
                    ? tokens
                    : [...tokens.slice(0, PATCHES), ...project(deep(layer), `compound_prompt_projections.${layer - 1}`)],
              });
        const features = texts.map((ids) => textFeature(ids, learnt, replaced));
        return crossEntropy(cosines(images, features, context.scale), labels);
      };
      await expectStep(method, batch, values, loss);
      method.dispose();
    });
  });

  it('draws its words, and tells of the words nearest to the tokens of each attribute', async () => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const method = tinyMethod(await tinyContext(clip), 'atprompt', { form: 'maple', depth: 2, length: 1 });
      expect(method.example).toBe('[v] color [v] shape [v] cat .');
      const sources = ['prompt_learner.ctx', 'prompt_learner.ctx_att1', 'prompt_learner.ctx_att2'];
      expect(layoutOf(method.spec, method.example).text).toEqual([
        { layer: 0, rows: 3, sources },
        { layer: 1, rows: 1, sources: ['prompt_learner.compound_prompts_text.0'] },
      ]);
      const told = await nearestWords(method, clip.tower('text'), await clip.tokenizer(), 1);
      expect(told.map(({ layer, name, rows }) => [layer, name, rows.length])).toEqual([
        [0, 'prompt_learner.ctx_att1', 1],
        [0, 'prompt_learner.ctx_att2', 1],
        [0, 'prompt_learner.ctx', 1],
        [1, 'prompt_learner.compound_prompts_text.0', 1],
      ]);
      const other = method.forContext({ classNames: ['tree frog'], template: '{}' });
      expect(other.example).toBe('[v] color [v] shape [v] tree frog .');
      expect((other.textFeatures() as Tensor).shape).toEqual([1, TINY.embed]);
      other.dispose();
      method.dispose();
    });
  });

  it('refuses attributes that fill the texts, and depths that the towers have not', async () => {
    using clip = tinyClip(ctx.device);
    const context = await tinyContext(clip);
    const make = (settings: object) => () => tinyMethod(context, 'atprompt', { ...settings });
    expect(make({ length: 9 })).toThrow(/has \d+ tokens, the text tower holds 24/);
    expect(make({ form: 'maple', depth: 4 })).toThrow(/depth is 4, and the image tower has 3 blocks/);
    expect(make({ attributes: [] })).toThrow(/attributes/);
  });
});
