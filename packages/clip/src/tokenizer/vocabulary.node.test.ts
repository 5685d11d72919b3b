import { createHash } from 'node:crypto';
import { FormatError } from '@mudpt/tensor';
import { beforeAll, describe, expect, it } from 'vitest';
import labels from '@mudpt/testing/fixtures/tokenizer/labels.json' with { type: 'json' };
import { createTokenizer } from './tokenizer.ts';
import { BUILT_IN_FINGERPRINT, builtInVocabulary, readVocabulary, type VocabularyFiles } from './vocabulary.ts';

let vocab: Record<string, number>;
let merges: string[];
let tokenizerJson: { model: Record<string, unknown>; added_tokens: unknown[] };
beforeAll(async () => {
  const builtIn = await builtInVocabulary();
  vocab = Object.fromEntries(builtIn.ids);
  merges = builtIn.merges.map((pair) => pair.join(' '));
  tokenizerJson = {
    added_tokens: [
      { id: 49406, content: '<|startoftext|>', special: true },
      { id: 49407, content: '<|endoftext|>', special: true },
    ],
    model: { type: 'BPE', end_of_word_suffix: '</w>', vocab, merges },
  };
});

describe('the vocabulary built in', () => {
  it("is that of OpenAI's release, by its sha256", () => {
    const digest = createHash('sha256')
      .update(`${merges.join('\n')}\n`)
      .digest('hex');
    expect(digest).toBe('d308b7377a8ceaa9707a21614fe8c831b9196e197b7aeb69833359362907af02');
  });

  it('has 49,408 tokens, all different', () => {
    expect(Object.keys(vocab)).toHaveLength(49408);
    expect(merges).toHaveLength(48894);
    expect([vocab['!'], vocab['.</w>'], vocab['<|endoftext|>']]).toEqual([0, 269, 49407]);
  });
});

describe('the fingerprint', () => {
  it('is that of the contents, whatever files they come from, and tells any change', async () => {
    const builtIn = await (await createTokenizer()).fingerprint();
    expect(builtIn).toBe(BUILT_IN_FINGERPRINT);
    const of = async (vocabulary: VocabularyFiles) => (await createTokenizer({ vocabulary })).fingerprint();
    const mergesText = `#version: 0.2\n${merges.join('\n')}\n`;
    expect(await of({ vocabJson: JSON.stringify(vocab), mergesText })).toBe(builtIn);
    expect(await of({ tokenizerJson })).toBe(builtIn);
    const swapped = { ...vocab, '!': vocab['"']!, '"': vocab['!']! };
    const others = [
      await of({ vocabJson: JSON.stringify(swapped), mergesText }),
      await of({ vocabJson: JSON.stringify(vocab), mergesText: merges.toReversed().join('\n') }),
      await (await createTokenizer({ mode: 'hf' })).fingerprint(),
    ];
    expect(new Set([builtIn, ...others]).size).toBe(4);
  });
});

describe("a model's own files", () => {
  const sample = labels.cases.slice(0, 60);

  it.each<[string, () => VocabularyFiles]>([
    ['tokenizer.json, parsed', () => ({ tokenizerJson })],
    ['tokenizer.json as text', () => ({ tokenizerJson: JSON.stringify(tokenizerJson) })],
    [
      'merges as pairs',
      () => ({ tokenizerJson: { ...tokenizerJson, model: { ...tokenizerJson.model, merges: merges.map((m) => m.split(' ')) } } }),
    ],
    ['vocab.json and merges.txt', () => ({ vocabJson: vocab, mergesText: `#version: 0.2\n${merges.join('\n')}\n` })],
  ])('%s: the same ids', async (_, files) => {
    const tokenizer = await createTokenizer({ vocabulary: files() });
    for (const { text, ids } of sample) expect(tokenizer.encode(text)).toEqual(ids);
  });

  it.each<[string, () => VocabularyFiles, RegExp]>([
    ['not JSON', () => ({ tokenizerJson: '{' }), /tokenizer\.json: it is no JSON/],
    ['a list', () => ({ tokenizerJson: '[1]' }), /it is no JSON object/],
    ['no model', () => ({ tokenizerJson: {} }), /it has no "model"/],
    ['another model', () => ({ tokenizerJson: { model: { type: 'Unigram' } } }), /its model is "Unigram"/],
    ['a BPE of another kind', () => ({ tokenizerJson: { model: { merges } } }), /end of word is undefined/],
    ['no merges', () => ({ tokenizerJson: { model: { end_of_word_suffix: '</w>', vocab } } }), /"merges" is not a list/],
    [
      'a merge of three',
      () => ({ tokenizerJson: { model: { end_of_word_suffix: '</w>', vocab, merges: ['a b', 'a b c'] } } }),
      /merge 1 is "a b c"/,
    ],
    ['nothing', () => ({}), /there is no tokenizer\.json, and no vocab\.json/],
    ['half', () => ({ vocabJson: vocab }), /vocab\.json without merges\.txt/],
    ['a bad id', () => ({ vocabJson: { a: -1 }, mergesText: '' }), /token "a" has the id -1/],
    ['a missing merge result', () => ({ vocabJson: vocab, mergesText: 'a b\nthe !\n' }), /1 tokens are missing: "the!"/],
    ['missing bytes', () => ({ vocabJson: { '!': 0 }, mergesText: '' }), /513 tokens are missing: "!<\/w>", "\\"", /],
    ['an id above the end', () => ({ vocabJson: { ...vocab, extra: 50000 }, mergesText: '' }), /"extra" has the id 50000, above/],
  ])('%s is refused', (_, files, message) => {
    const read = () => readVocabulary(files());
    expect(read).toThrow(FormatError);
    expect(read).toThrow(message);
  });
});
