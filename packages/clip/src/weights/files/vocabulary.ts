/** The tokenizer's files in a model's folder. */
import { byteSource } from '@mudpt/tensor';
import type { SentencePieceFiles, VocabularyFiles } from '../../tokenizer/index.ts';
import type { Files } from './located.ts';

/** tokenizer.json, or else vocab.json and merges.txt; undefined when the folder has none. */
export async function folderVocabulary(files: Files): Promise<VocabularyFiles | undefined> {
  const has = (name: string) => files.names.includes(name);
  if (has('tokenizer.json')) return { tokenizerJson: await readText(files, 'tokenizer.json') };
  if (has('vocab.json') && has('merges.txt'))
    return { vocabJson: await readText(files, 'vocab.json'), mergesText: await readText(files, 'merges.txt') };
  return undefined;
}

/** tokenizer.json of a SigLIP, with what tells its special tokens; undefined when the folder has none. */
export async function folderSentencePiece(files: Files): Promise<SentencePieceFiles | undefined> {
  const has = (name: string) => files.names.includes(name);
  if (!has('tokenizer.json')) return undefined;
  return {
    tokenizerJson: await readText(files, 'tokenizer.json'),
    ...(has('tokenizer_config.json') && { tokenizerConfigJson: await readText(files, 'tokenizer_config.json') }),
  };
}

async function readText(files: Files, name: string): Promise<string> {
  const source = await byteSource(await files.open(name));
  try {
    return new TextDecoder().decode(await source.read(0, source.size));
  } finally {
    await source.close?.();
  }
}
