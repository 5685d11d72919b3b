/** The tokenizer's files in a model's folder. */
import { byteSource } from '@mudpt/tensor';
import type { VocabularyFiles } from '../../tokenizer/index.ts';
import type { Files } from './files.ts';

/** tokenizer.json, or else vocab.json and merges.txt; undefined when the folder has none. */
export async function folderVocabulary(files: Files): Promise<VocabularyFiles | undefined> {
  const has = (name: string) => files.names.includes(name);
  if (has('tokenizer.json')) return { tokenizerJson: await readText(files, 'tokenizer.json') };
  if (has('vocab.json') && has('merges.txt'))
    return { vocabJson: await readText(files, 'vocab.json'), mergesText: await readText(files, 'merges.txt') };
  return undefined;
}

async function readText(files: Files, name: string): Promise<string> {
  const source = await byteSource(await files.open(name));
  try {
    return new TextDecoder().decode(await source.read(0, source.size));
  } finally {
    await source.close?.();
  }
}
