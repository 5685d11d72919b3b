import { InputError, LimitError } from '@mudpt/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import labels from '@mudpt/testing/fixtures/tokenizer/labels.json' with { type: 'json' };
import mixtures from '@mudpt/testing/fixtures/tokenizer/mixtures.json' with { type: 'json' };
import references from '@mudpt/testing/fixtures/tokenizer/unescape.json' with { type: 'json' };
import { unescapeHtml } from './html.ts';
import { createTokenizer, type Tokenizer } from './tokenizer.ts';

let openai: Tokenizer;
let hf: Tokenizer;
beforeAll(async () => {
  openai = await createTokenizer();
  hf = await createTokenizer({ mode: 'hf' });
});

describe('encode', () => {
  it.each([
    ['labels', labels.cases],
    ['mixtures', mixtures.cases],
  ])("gives the ids of OpenAI's tokenizer: %s", (_, cases) => {
    expect(cases.length).toBeGreaterThan(300);
    for (const { text, ids } of cases) expect(openai.encode(text), JSON.stringify(text)).toEqual(ids);
  });

  it('knows the size and the ends of the vocabulary', () => {
    expect([openai.vocabularySize, openai.start, openai.end]).toEqual([49408, 49406, 49407]);
    expect(openai.encode('')).toEqual([49406, 49407]);
    expect(openai.encode("it's  A  <b>TEST</b> &amp; 42!")).toEqual([
      49406, 585, 568, 320, 283, 321, 285, 1628, 34308, 321, 285, 261, 275, 273, 256, 49407,
    ]);
  });

  it.each([
    ['caf\u00e9', [15304]],
    ['jalape\u00f1o', [43017]],
    ['cr\u00e8me br\u00fbl\u00e9e', [1075, 12138, 614, 711, 127, 119, 75, 13489]],
    ['\ud55c\uad6d', [15197, 250, 31871, 511]],
    ['\u0160koda', [35621, 1313, 1140]],
  ])("%s: decomposed accents have the ids of OpenAI's code with ftfy 6.3.1", (name, ids) => {
    for (const text of [name, name.normalize('NFD')])
      for (const tokenizer of [openai, hf]) expect(tokenizer.encode(text).slice(1, -1)).toEqual(ids);
  });

  it('replaces HTML references in openai mode and not in hf mode', () => {
    expect(openai.encode('&amp;amp;')).toEqual(openai.encode('&'));
    expect(hf.decode(hf.encode('a &amp; b'))).toBe('a & amp ; b');
  });

  it('agrees between the modes on plain text', () => {
    for (const { text } of labels.cases.filter(({ text }) => /^[\w .:,]+$/.test(text)))
      expect(hf.encode(text)).toEqual(openai.encode(text));
  });

  it('cuts written-out special tokens as each original does', () => {
    expect(openai.encode('dog<|endoftext|>')).toEqual([49406, 1929, 49407, 49407]);
    // The run "!<|" is punctuation to OpenAI's pattern; Hugging Face cuts the special token out before.
    expect(openai.encode('!<|endoftext|>').filter((id) => id === 49407)).toHaveLength(1);
    expect(hf.encode('!<|endoftext|>')).toEqual([49406, 256, 49407, 49407]);
  });

  it('takes unpaired surrogates as U+FFFD', () => {
    expect(openai.encode('a\ud800b')).toEqual(openai.encode('a\ufffdb'));
  });
});

it('html references are replaced as in Python', () => {
  for (const { text, unescaped } of references) expect(unescapeHtml(text), text).toBe(unescaped);
});

describe('decode', () => {
  it('is the clean text with a space between words, without what follows the end', () => {
    const ids = [...openai.encode('A Photo of a  DOG, 日本語 🙂!'), 0, 0, 0];
    expect(openai.decode(ids)).toBe('a photo of a dog , 日本語 🙂!');
  });

  it('encodes again to the same ids', () => {
    for (const { ids } of labels.cases) expect(openai.encode(openai.decode(ids))).toEqual(ids);
  });

  it('refuses an id that is not there, by position', () => {
    expect(() => openai.decode([49406, 320, 49408])).toThrow(/id 49408 at position 2 .* from 0 to 49407/);
    expect(() => openai.decode([0.5])).toThrow(InputError);
  });
});

describe('encodeBatch', () => {
  const long = 'dog '.repeat(100).trim();

  it('pads rows with 0 and tells lengths and ends', () => {
    const { ids, lengths, eotIndex, contextLength } = openai.encodeBatch(['a photo of a dog.', '', 'X X dog.']);
    expect(contextLength).toBe(77);
    expect(ids).toHaveLength(3 * 77);
    expect([...ids.subarray(0, 9)]).toEqual([49406, 320, 1125, 539, 320, 1929, 269, 49407, 0]);
    expect([...ids.subarray(77, 80)]).toEqual([49406, 49407, 0]);
    expect([...lengths]).toEqual([8, 2, 6]);
    expect([...eotIndex]).toEqual([7, 1, 5]);
    expect([...openai.encodeBatch([]).ids]).toEqual([]);
  });

  it('finds the first end, as argmax does', () => {
    const { lengths, eotIndex } = openai.encodeBatch(['dog <|endoftext|> cat']);
    expect([[...lengths], [...eotIndex]]).toEqual([[5], [2]]);
  });

  it('refuses a text that is too long by name and length', () => {
    expect(() => openai.encodeBatch(['dog', long])).toThrow(LimitError);
    expect(() => openai.encodeBatch(['dog', long])).toThrow(
      /text 1, "dog dog .* \.\.\." \(399 characters\), has 102 tokens with start and end, and the context holds 77.*truncate/,
    );
    expect(() => openai.encodeBatch(['a dog'], { contextLength: 3 })).toThrow(/text 0, "a dog" \(5 characters\), has 4 tokens/);
    expect(() => openai.encodeBatch(['a dog'], { contextLength: 1 })).toThrow(/contextLength is 1/);
  });

  it('keeps what fits exactly, and cuts the rest with the end last', () => {
    const fits = 'dog '.repeat(75);
    expect(openai.encodeBatch([fits]).eotIndex[0]).toBe(76);
    const { ids, lengths, eotIndex } = openai.encodeBatch([long], { onTooLong: 'truncate' });
    expect([...ids]).toEqual([49406, ...Array.from({ length: 75 }, () => 1929), 49407]);
    expect([lengths[0], eotIndex[0]]).toEqual([77, 76]);
  });
});
