import { describe, expect, it } from 'vitest';
import { AFTER_PATCHES, AFTER_START, computedPrompts, separatePrompts, stackedPrompts } from '../prompts/layers.ts';
import { contextTokens, layoutOf, promptSpec, type PromptSpec, replacedTokens } from './prompt-spec.ts';

const text = stackedPrompts({ depth: 3, first: 't0', deep: 't' }, [2, 20], { first: [], deep: ['v'] });
const image = separatePrompts(['v', 'v1'], [2, 24]);
const SPEC: PromptSpec = {
  parameters: { ...text.parameters, ...image.parameters },
  text: { ...text.tower, ...AFTER_START },
  image: { ...image.tower, ...AFTER_PATCHES },
};

describe('PromptSpec', () => {
  it('says what is learnt, what is replaced, and where it is drawn', () => {
    const spec = promptSpec('mine', SPEC);
    expect(spec.parameters).toEqual({ t0: [2, 20], t: [2, 2, 20], v: [2, 24], v1: [2, 24] });
    expect([contextTokens(spec.text), replacedTokens(spec.text), replacedTokens(spec.image)]).toEqual([2, 2, 2]);
    expect(layoutOf(spec, '[v] [v] dog .')).toEqual({
      text: [
        { layer: 0, rows: 2, sources: ['t0'] },
        { layer: 1, rows: 2, sources: ['t', 'v'] },
        { layer: 2, rows: 2, sources: ['t', 'v'] },
      ],
      image: [
        { layer: 0, rows: 2, sources: ['v'] },
        { layer: 1, rows: 2, sources: ['v1'] },
      ],
      example: '[v] [v] dog .',
    });
    expect(promptSpec('vpt', { parameters: {} })).toEqual({ parameters: {} });
    expect([contextTokens(undefined), replacedTokens(undefined)]).toEqual([0, 0]);
    expect(stackedPrompts({ depth: 1, first: 't0', deep: 't' }, [2, 20]).parameters).toEqual({ t0: [2, 20], t: [0, 2, 20] });
  });

  it('counts the context tokens of classes that have a context each', () => {
    const one = separatePrompts(['ctx'], [4, 20]).tower;
    const spec = promptSpec('coop', { parameters: { ctx: [3, 4, 20] }, text: { ...one, at: 1, position: 'front', classes: 3 } });
    expect([contextTokens(spec.text), replacedTokens(spec.text)]).toEqual([12, 0]);
  });

  it('places context tokens with words between them, and draws branches beside the features', () => {
    const deep = separatePrompts(['ctx', 'ctx1'], [2, 20]);
    const parameters = { ...deep.parameters, a: [1, 20], b: [2, 20], head: [4, 16] };
    const [first, ...others] = deep.tower.layers;
    const layers = first ? [{ ...first, computedFrom: ['a', 'b'] }, ...others] : [];
    const anchored = (places: readonly number[]): PromptSpec => ({
      parameters,
      text: { ...deep.tower, at: 7, position: 'end', layers, before: { learnt: ['a', 'b'], places } },
      branches: { image: ['head'] },
    });
    const spec = promptSpec('anchored', anchored([1, 3, 4]));
    expect([contextTokens(spec.text), replacedTokens(spec.text)]).toEqual([5, 2]);
    expect(layoutOf(spec, '')).toMatchObject({
      text: [{ rows: 5, sources: ['ctx', 'a', 'b'] }, { rows: 2 }],
      branches: { image: ['head'] },
    });
    expect(() => promptSpec('anchored', anchored([1, 3]))).toThrow(/before 7 are 3, and have 2 places/);
    expect(() => promptSpec('anchored', anchored([1, 4, 3]))).toThrow(/places 1, 4, 3, which do not ascend/);
    expect(() => promptSpec('anchored', anchored([1, 3, 7]))).toThrow(/do not ascend/);
    expect(() => promptSpec('branch', { parameters: {}, branches: { text: ['x'] } })).toThrow(
      /the branches of the text tower use x/,
    );
  });

  it('refuses what does not agree with itself', () => {
    const bad: readonly (readonly [PromptSpec, RegExp])[] = [
      [{ ...SPEC, parameters: text.parameters }, /layer 1 of the text tower has prompts from v, which is not learnt/],
      [
        { ...SPEC, parameters: { ...SPEC.parameters, v1: [3, 24] } },
        /layer 1 of the image tower has 2 x 24 tokens from v1 of shape \[3, 24\]/,
      ],
      [
        { ...SPEC, parameters: { ...SPEC.parameters, t: [1, 2, 20] } },
        /layer 2 of the text tower has 2 x 20 tokens from t of shape \[1, 2, 20\], part 1/,
      ],
      [
        { ...SPEC, image: { ...image.tower, ...AFTER_PATCHES, layers: image.tower.layers.toReversed() } },
        /declared out of order/,
      ],
      [{ ...SPEC, image: { ...computedPrompts([[]], [2, 24]).tower, ...AFTER_PATCHES } }, /made from nothing/],
      [{ ...SPEC, text: { ...text.tower, at: 1, position: 'middle' } }, /do not all begin with the context/],
    ];
    for (const [spec, message] of bad) expect(() => promptSpec('mine', spec)).toThrow(message);
  });
});
