/** SigLIP's tokenizers against Hugging Face's (fixtures/backbones/make_tokenizers.py). */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { fixturePath } from '@mudpt/testing/files';
import { createSentencePieceTokenizer, type SentencePieceTokenizer } from './sentencepiece.ts';

type Fixture = {
  readonly tokenizer: { readonly model: object };
  readonly config: object;
  readonly texts: readonly string[];
  readonly ids: readonly (readonly number[])[];
  readonly end: number;
  readonly pad: number;
};

const read = async (name: string): Promise<Fixture> =>
  JSON.parse(await readFile(fixturePath(`backbones/tokenizer-${name}.json`), 'utf8')) as Fixture;

describe.each(['unigram', 'gemma'])('the %s tokenizer', (name) => {
  it('gives the ids of Hugging Face', async () => {
    const { tokenizer: tokenizerJson, config: tokenizerConfigJson, texts, ids, end, pad } = await read(name);
    const tokenizer = createSentencePieceTokenizer({ tokenizerJson, tokenizerConfigJson });
    expect([tokenizer.end, tokenizer.pad]).toEqual([end, pad]);
    for (const [index, text] of texts.entries()) expect(tokenizer.encode(text), text).toEqual(ids[index]);
    const [first = ''] = texts;
    expect(tokenizer.encode(first, { specialTokens: false })).toEqual(ids[0]?.slice(0, -1));
    const batch = tokenizer.encodeBatch(texts.slice(0, 2), { contextLength: 20 });
    expect([...batch.ids.subarray(0, 20)]).toEqual([
      ...(ids[0] ?? []),
      ...Array.from({ length: 20 - (ids[0]?.length ?? 0) }, () => pad),
    ]);
    expect([...batch.eotIndex]).toEqual([19, 19]);
    expect(() => tokenizer.encodeBatch(texts, { contextLength: 4 })).toThrow(/text 0, "a photo of a cat\." .* has \d+ tokens/);
    expect(tokenizer.decode(tokenizer.encode('a photo of a cat'))).toBe('a photo of a cat');
    expect(() => tokenizer.decode([9999])).toThrow(/the id 9999 at position 0/);
  });

  it('is told apart by its fingerprint, and names what its files lack', async () => {
    const { tokenizer: tokenizerJson, config: tokenizerConfigJson } = await read(name);
    const one = createSentencePieceTokenizer({ tokenizerJson: JSON.stringify(tokenizerJson), tokenizerConfigJson });
    const other = createSentencePieceTokenizer(
      { tokenizerJson, tokenizerConfigJson },
      { cleaning: name === 'gemma' ? 'canonicalize' : 'lower' },
    );
    expect(await one.fingerprint()).toBe(
      await createSentencePieceTokenizer({ tokenizerJson, tokenizerConfigJson }).fingerprint(),
    );
    expect(await other.fingerprint()).not.toBe(await one.fingerprint());
    const make =
      (json: string | object, config: object = {}) =>
      () =>
        createSentencePieceTokenizer({ tokenizerJson: json, tokenizerConfigJson: config });
    const { model, normalizer, pre_tokenizer } = tokenizerJson as Record<string, unknown>;
    const least = createSentencePieceTokenizer({ tokenizerJson: { model, normalizer, pre_tokenizer }, tokenizerConfigJson });
    expect(least.encode('a photo of a cat')).toEqual(one.encode('a photo of a cat'));
    expect(make('{')).toThrow(/tokenizer\.json: it is no JSON/);
    expect(make({ ...tokenizerJson, model: { type: 'WordPiece' } })).toThrow(/its model is "WordPiece"/);
    expect(make(tokenizerJson, { eos_token: '<stop>' })).toThrow(/the vocabulary lacks "<stop>"/);
  });
});

it('characters that are no token are decoded byte by byte', async () => {
  const { tokenizer: tokenizerJson, config: tokenizerConfigJson } = await read('gemma');
  const tokenizer = createSentencePieceTokenizer({ tokenizerJson, tokenizerConfigJson });
  expect(tokenizer.decode(tokenizer.encode('Café 日本 🙂'))).toBe('café 日本 🙂');
});

it("T5's tokens for masked spans, which the tables of SigLIP lack, count for nothing", async () => {
  const { tokenizer, config, texts } = await read('unigram');
  const { model, added_tokens: added } = tokenizer as unknown as {
    readonly model: { readonly vocab: readonly (readonly [string, number])[] };
    readonly added_tokens: readonly object[];
  };
  const first = model.vocab.length;
  const sentinels = [1, 0].map((index) => `<extra_id_${index}>`);
  const longer = {
    ...tokenizer,
    model: { ...model, vocab: [...model.vocab, ...sentinels.map((name) => [`${name}_`, 0])] },
    added_tokens: [...added, ...sentinels.map((content, index) => ({ ...added[0], id: first + index, content }))],
  };
  const [plain, padded] = [tokenizer, longer].map((tokenizerJson) =>
    createSentencePieceTokenizer({ tokenizerJson, tokenizerConfigJson: config }),
  ) as [SentencePieceTokenizer, SentencePieceTokenizer];
  expect([plain.vocabularySize, padded.vocabularySize]).toEqual([first, first]);
  for (const text of texts) expect(padded.encode(text), text).toEqual(plain.encode(text));
});
