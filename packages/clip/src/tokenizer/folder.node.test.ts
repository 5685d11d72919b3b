import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTokenizer } from './tokenizer.ts';
import { builtInVocabulary } from './vocabulary.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vocabulary-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('reads the files of a folder, tokenizer.json first', async () => {
  await expect(createTokenizer({ vocabulary: folder })).rejects.toThrow(
    /neither tokenizer\.json nor vocab\.json with merges\.txt/,
  );
  const { ids, merges } = await builtInVocabulary();
  await writeFile(join(folder, 'vocab.json'), JSON.stringify(Object.fromEntries(ids)));
  await writeFile(join(folder, 'merges.txt'), merges.map((pair) => pair.join(' ')).join('\n'));
  const expected = [49406, 320, 1125, 539, 320, 1929, 49407];
  for (const vocabulary of [folder, `${folder}/`, pathToFileURL(folder)]) {
    expect((await createTokenizer({ vocabulary })).encode('a photo of a dog')).toEqual(expected);
  }
  await writeFile(join(folder, 'tokenizer.json'), '{}');
  await expect(createTokenizer({ vocabulary: folder })).rejects.toThrow(/tokenizer\.json: it has no "model"/);
});
