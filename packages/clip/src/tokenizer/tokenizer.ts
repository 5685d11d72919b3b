/** CLIP's tokenizer: text to ids and back. */
import { BPE } from '@huggingface/tokenizers';
import { FormatError, InputError } from '@mudpt/tensor';
import { type BatchOptions, type EncodedBatch, packBatch } from './batch.ts';
import { fromByteCharacters, toByteCharacters } from './bytes.ts';
import { END, splitWords, START, type TokenizerMode } from './clean.ts';
import type { EncodeOptions, TextTokenizer } from './text-tokenizer.ts';
import {
  builtInVocabulary,
  fingerprintOf,
  readVocabulary,
  readVocabularyFolder,
  type Vocabulary,
  type VocabularyFiles,
} from './vocabulary.ts';

/** Whose rules and which vocabulary a tokenizer follows. */
export interface TokenizerOptions {
  /** Default `openai`. */
  readonly mode?: TokenizerMode;
  /** A model's folder (a path in Node, or an http(s) address), or its files. Default: CLIP's vocabulary, which is built in. */
  readonly vocabulary?: string | URL | VocabularyFiles;
}

/** Makes a tokenizer. The first with the built-in vocabulary unpacks it, in about 0.1 s. @throws FormatError for unusable files, InputError for another mode */
export async function createTokenizer({ mode = 'openai', vocabulary }: TokenizerOptions = {}): Promise<Tokenizer> {
  if (mode !== 'openai' && mode !== 'hf') {
    throw new InputError('createTokenizer', `the mode is ${JSON.stringify(mode)}`, "use 'openai' or 'hf'");
  }
  if (vocabulary === undefined) return new Tokenizer(mode, await builtInVocabulary());
  const isFolder = typeof vocabulary === 'string' || vocabulary instanceof URL;
  return new Tokenizer(mode, isFolder ? await readVocabularyFolder(vocabulary) : readVocabulary(vocabulary));
}

/** Made by `createTokenizer`. */
export class Tokenizer implements TextTokenizer {
  /** Number of ids: the largest plus one. */
  readonly vocabularySize: number;
  /** Id of the start of a text. */
  readonly start: number;
  /** Id of the end of a text; no id is larger. */
  readonly end: number;
  /** OpenAI's padding, which is the token "!". */
  readonly pad = 0;
  private readonly bpe: BPE;
  private readonly tokens = new Map<number, string>();

  constructor(
    readonly mode: TokenizerMode,
    private readonly vocabulary: Vocabulary,
  ) {
    const { ids, merges } = vocabulary;
    this.start = this.idOf(START);
    this.end = this.idOf(END);
    for (const [token, id] of ids) this.tokens.set(id, token);
    this.vocabularySize = this.end + 1;
    this.bpe = new BPE({
      type: 'BPE',
      vocab: Object.fromEntries(ids),
      merges: merges.map(([left, right]): [string, string] => [left, right]),
      end_of_word_suffix: '</w>',
      // A token that occurs only within words must not serve for one at the end of a word.
      ignore_merges: false,
    });
  }

  /** The ids of `text`, between start and end, however many they are. */
  encode(text: string, { specialTokens = true }: EncodeOptions = {}): number[] {
    const ids = specialTokens ? [this.start] : [];
    for (const word of splitWords(text, this.mode)) {
      if (word === START || word === END) ids.push(this.idOf(word));
      else for (const token of this.bpe.encode([toByteCharacters(word)])) ids.push(this.idOf(token));
    }
    if (specialTokens) ids.push(this.end);
    return ids;
  }

  /** The ids of many texts as rows of one array, padded. @throws LimitError naming the text that is too long, unless truncated */
  encodeBatch(texts: readonly string[], options: BatchOptions = {}): EncodedBatch {
    const rows = texts.map((text) => this.encode(text));
    return packBatch(texts, rows, this.end, options);
  }

  /**
   * The text of `ids`: lower case, one space after each word, none at the end. Start and end tokens are left out. Everything after the
   * first end is padding.
   *
   * @throws InputError for an id the vocabulary does not have
   */
  decode(ids: ArrayLike<number>): string {
    let characters = '';
    for (let position = 0; position < ids.length; position++) {
      const id = ids[position] ?? -1;
      if (id === this.end) break;
      if (id === this.start) continue;
      const token = this.tokens.get(id);
      if (token === undefined) {
        const range = `use ids from 0 to ${this.vocabularySize - 1}`;
        throw new InputError('decode', `the id ${id} at position ${position} is not in the vocabulary`, range);
      }
      characters += token;
    }
    const words = characters.split('</w>');
    return words.map(fromByteCharacters).join(' ').trimEnd();
  }

  /** SHA-256, in hexadecimal, of its mode, ids and merges: the same for equal tokenizers, whatever files they come from. */
  fingerprint(): Promise<string> {
    return fingerprintOf(this.mode, this.vocabulary);
  }

  private idOf(token: string): number {
    const id = this.vocabulary.ids.get(token);
    if (id === undefined) {
      throw new FormatError('encode', `the vocabulary lacks ${JSON.stringify(token)}`, 'use the files of a CLIP model');
    }
    return id;
  }
}
