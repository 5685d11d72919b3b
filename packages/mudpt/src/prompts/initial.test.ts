/** Initial values of prompts: one random stream a method, so that no two of its tensors begin with the same numbers. */
import { scope } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { tinyClip, tinyContext, tinyMethod } from '../../test/uneven.ts';
import { commonRuns } from '../conformance/initial-values.ts';

eachDevice('initial values', (ctx) => {
  it.each([
    ['mudpt', { length: 6, depth: 3 }],
    ['mudpt', { length: 2, depth: 3, initWords: '', injection: 'linear' }],
    ['mudpt', { length: 2, depth: 3, initWords: '', injection: 'cross-attention', perLayer: true }],
    ['umudpt', { length: 6, depth: 3 }],
    ['maple', { length: 2, depth: 3, initWords: '' }],
    ['ivlp', { textLength: 6, textDepth: 2, imageDepth: 2 }],
    ['deep-language', { depth: 2, initWords: '' }],
    ['promptsrc', { textDepth: 2, imageDepth: 2, initWords: '', templates: ['a {}.'] }],
    ['cocoop', { initWords: '' }],
  ] as const)('%s %j differ where text prompts begin at random', async (name, settings) => {
    using clip = tinyClip(ctx.device);
    await scope(async () => {
      const context = await tinyContext(clip);
      const values = async (seed: number) => {
        const method = tinyMethod({ ...context, seed }, name, settings);
        const read = new Map<string, ArrayLike<number>>();
        for (const [path, parameter] of method.learnable) if (parameter.size > 0) read.set(path, await parameter.data());
        method.dispose();
        return read;
      };
      const once = await values(3);
      // MaPLe's deep projections begin as copies of one, as its authors have it.
      expect(commonRuns(once, /compound_prompt_projections/)).toEqual([]);
      expect(await values(3)).toEqual(once);
      const [first = ''] = once.keys();
      expect((await values(4)).get(first)).not.toEqual(once.get(first));
    });
  });
});

describe('commonRuns', () => {
  const a = [0.1, -0.2, 0.35, 0.7, -0.9, 0.25];
  const of = (b: readonly number[], copies?: RegExp) =>
    commonRuns(
      new Map([
        ['a', a],
        ['b', b],
      ]),
      copies,
    );

  it('finds the same numbers wherever they stand, and their multiples', () => {
    expect(of([5, 6, ...a])).toEqual([['a', 'b']]);
    expect(of(a.map((value) => value * 3))).toEqual([['a', 'b']]);
    expect(of(a.toReversed())).toEqual([]);
    expect(of(a, /[ab]/)).toEqual([]);
  });

  it('passes over ones and zeros', () => {
    expect(commonRuns(new Map(['x', 'y'].map((name) => [name, new Float32Array(20).fill(1)])))).toEqual([]);
    expect(commonRuns(new Map(['x', 'y'].map((name) => [name, new Float32Array(20)])))).toEqual([]);
  });
});
