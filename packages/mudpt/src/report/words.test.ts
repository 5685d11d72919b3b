import { scope } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import { nearestWords } from './words.ts';

eachDevice('nearest words', (ctx) => {
  it.each([
    [
      'mudpt',
      { depth: 3, initWords: 'a photo' },
      ['0 uumudpt_prompt_learner.ctx', '1 uumudpt_prompt_learner.deep_prompts', '2 uumudpt_prompt_learner.deep_prompts'],
    ],
    ['maple', { depth: 2, initWords: 'a photo' }, ['0 prompt_learner.ctx', '1 prompt_learner.compound_prompts_text.0']],
    ['coop', { initWords: 'a photo' }, ['0 prompt_learner.ctx']],
    ['cocoop', { initWords: 'a photo' }, ['0 prompt_learner.ctx']],
    ['coop', { length: 2, classSpecific: true }, ['0 class 0', '0 class 1', '0 class 2', '0 class 3']],
    ['vpt', { depth: 2 }, []],
  ] as const)('%s %j: the layers of the spec, those of words with the words they began with', async (name, settings, layers) => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const method = tinyMethod(await tinyContext(clip), name, settings);
      const told = await nearestWords(method, clip.tower('text'), await clip.tokenizer(), 1);
      expect(told.map(({ layer, name: source }) => `${layer} ${source}`)).toEqual(layers);
      for (const { rows } of told) expect(rows).toHaveLength(2);
      const [first] = told;
      if ('initWords' in settings)
        expect(first?.rows.map(({ words }) => words[0])).toEqual([
          { word: 'a', distance: 0 },
          { word: 'photo', distance: 0 },
        ]);
      method.dispose();
    });
  });
});
