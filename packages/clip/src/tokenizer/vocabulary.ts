/** The tokens and merges of a tokenizer: the built-in ones, or the files of a model folder. */
import { byteSource, FormatError, InputError } from '@mudpt/tensor';
import { sha256Hex } from '../files/sha256.ts';
import { VOCABULARY_ORDER } from './bytes.ts';
import { END, START } from './clean.ts';

/** What byte-pair encoding needs. */
export interface Vocabulary {
  /** Token to id. */
  readonly ids: ReadonlyMap<string, number>;
  /** In order of rank, the earliest first. */
  readonly merges: readonly (readonly [string, string])[];
}

/** Files of a model folder, as text or parsed. Give `tokenizerJson`, or both `vocabJson` and `mergesText`. */
export interface VocabularyFiles {
  readonly tokenizerJson?: string | object;
  readonly vocabJson?: string | object;
  readonly mergesText?: string;
}

const END_OF_WORD = '</w>';

/**
 * CLIP's own vocabulary: 256 bytes, the same at the end of a word, 48,894 merges, start and end; ids 0 to 49407. A module of its own, so that a
 * page whose model brings its tokens never fetches it.
 */
export async function builtInVocabulary(): Promise<Vocabulary> {
  builtIn ??= import('./generated.ts').then(({ MERGES }) => inflate(MERGES)).then(vocabularyOfMerges);
  return builtIn;
}

/** {@link fingerprintOf} OpenAI's mode with the built-in vocabulary, known without unpacking it. */
export const BUILT_IN_FINGERPRINT = 'bd61081723a17e1bd8225295da37e52f0d142ffdc04067a0f1ca4699307ecbb6';

/** SHA-256, in hexadecimal, of a vocabulary as it is used in a mode. */
export async function fingerprintOf(mode: string, { ids, merges }: Vocabulary): Promise<string> {
  const tokens = [...ids].sort(([, a], [, b]) => a - b);
  return sha256Hex('fingerprint', new TextEncoder().encode(JSON.stringify([mode, tokens, merges])));
}

let builtIn: Promise<Vocabulary> | undefined;

async function inflate(base64: string): Promise<string> {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Response(stream).text();
}

function vocabularyOfMerges(text: string): Vocabulary {
  const merges = parseMerges(text);
  const bytes = [...VOCABULARY_ORDER, ...VOCABULARY_ORDER.map((character) => character + END_OF_WORD)];
  const tokens = [...bytes, ...merges.map((pair) => pair.join('')), START, END];
  return { ids: new Map(tokens.map((token, id) => [token, id])), merges };
}

/** Reads "left right" lines; a version line and empty lines are skipped. */
function parseMerges(text: string): [string, string][] {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^(#|bpe_simple_vocab.*#)version/.test(line));
  return lines.map((line, index) => pairOf('merges.txt', line.trimEnd(), index));
}

function pairOf(file: string, merge: unknown, index: number): [string, string] {
  const parts: readonly unknown[] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : [];
  const [left, right, ...rest] = parts;
  if (typeof left === 'string' && typeof right === 'string' && left !== '' && right !== '' && rest.length === 0)
    return [left, right];
  throw invalidFile(file, `merge ${index} is ${JSON.stringify(merge)}, not a pair of tokens`);
}

/**
 * Reads a vocabulary out of a model's files.
 *
 * @throws FormatError when a file is not what its name says, is no byte-pair encoding of CLIP's kind, or lacks a token it needs
 */
export function readVocabulary({ tokenizerJson, vocabJson, mergesText }: VocabularyFiles): Vocabulary {
  if (tokenizerJson !== undefined) return checked('tokenizer.json', fromTokenizerJson(parse('tokenizer.json', tokenizerJson)));
  if (vocabJson === undefined || mergesText === undefined) {
    const given = vocabJson === undefined ? 'no vocab.json' : 'vocab.json without merges.txt';
    throw invalidFile('vocabulary', `there is no tokenizer.json, and ${given}`);
  }
  const ids = idsOf('vocab.json', parse('vocab.json', vocabJson));
  return checked('vocab.json', { ids, merges: parseMerges(mergesText) });
}

/** Reads tokenizer.json, or else vocab.json and merges.txt, from a folder (Node) or below an http(s) address. */
export async function readVocabularyFolder(folder: string | URL): Promise<Vocabulary> {
  const base = String(folder).replace(/\/$/u, '');
  const read = async (name: string): Promise<string> => {
    const path = `${base}/${name}`;
    const source = await byteSource(folder instanceof URL ? new URL(path) : path);
    try {
      return new TextDecoder().decode(await source.read(0, source.size));
    } finally {
      await source.close?.();
    }
  };
  const tokenizerJson = await read('tokenizer.json').catch((cause: unknown) => {
    if (cause instanceof FormatError || cause instanceof InputError) return undefined;
    throw cause;
  });
  if (tokenizerJson !== undefined) return readVocabulary({ tokenizerJson });
  const [vocabJson, mergesText] = await Promise.all([read('vocab.json'), read('merges.txt')]).catch((cause: unknown) => {
    throw invalidFile(base, 'neither tokenizer.json nor vocab.json with merges.txt can be read there', cause);
  });
  return readVocabulary({ vocabJson, mergesText });
}

type Json = Readonly<Record<string, unknown>>;

function fromTokenizerJson(file: Json): Vocabulary {
  const { model, added_tokens: added = [] } = file;
  if (!isRecord(model)) throw invalidFile('tokenizer.json', 'it has no "model"');
  const { type = 'BPE', end_of_word_suffix: suffix, merges } = model;
  if (type !== 'BPE') throw invalidFile('tokenizer.json', `its model is ${JSON.stringify(type)}, not "BPE"`);
  if (suffix !== END_OF_WORD)
    throw invalidFile('tokenizer.json', `its end of word is ${JSON.stringify(suffix)}, CLIP's is "${END_OF_WORD}"`);
  if (!Array.isArray(merges)) throw invalidFile('tokenizer.json', 'its "merges" is not a list');
  if (!Array.isArray(added)) throw invalidFile('tokenizer.json', 'its "added_tokens" is not a list');
  const ids = new Map(idsOf('tokenizer.json', isRecord(model['vocab']) ? model['vocab'] : {}));
  for (const token of added) {
    if (isRecord(token) && typeof token['content'] === 'string' && isId(token['id'])) ids.set(token['content'], token['id']);
    else throw invalidFile('tokenizer.json', `the added token ${JSON.stringify(token)} has no content or id`);
  }
  return { ids, merges: merges.map((merge, index) => pairOf('tokenizer.json', merge, index)) };
}

function parse(file: string, content: string | object): Json {
  let value: unknown = content;
  if (typeof content === 'string') {
    try {
      value = JSON.parse(content);
    } catch (cause) {
      throw invalidFile(file, `it is no JSON (${String(cause)})`);
    }
  }
  if (!isRecord(value)) throw invalidFile(file, 'it is no JSON object');
  return value;
}

function idsOf(file: string, vocab: Json): Map<string, number> {
  const ids = new Map<string, number>();
  for (const [token, id] of Object.entries(vocab)) {
    if (!isId(id)) throw invalidFile(file, `token ${JSON.stringify(token)} has the id ${JSON.stringify(id)}`);
    ids.set(token, id);
  }
  return ids;
}

/** Every byte must be writable, and both ends markable; the end has the largest id, for CLIP finds it by argmax. */
function checked(file: string, vocabulary: Vocabulary): Vocabulary {
  const { ids, merges } = vocabulary;
  const needed = [...VOCABULARY_ORDER.flatMap((character) => [character, character + END_OF_WORD]), START, END];
  const missing = [...needed, ...merges.map((pair) => pair.join(''))].filter((token) => !ids.has(token));
  if (missing.length > 0) {
    const some = missing.slice(0, 5).map((token) => JSON.stringify(token));
    throw invalidFile(file, `${missing.length} tokens are missing: ${some.join(', ')}${missing.length > 5 ? ', ...' : ''}`);
  }
  const end = ids.get(END)!;
  for (const [token, id] of ids)
    if (id > end) throw invalidFile(file, `${JSON.stringify(token)} has the id ${id}, above ${END}'s ${end}`);
  return vocabulary;
}

const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const isId = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

function invalidFile(file: string, problem: string, cause?: unknown): FormatError {
  return new FormatError(
    'createTokenizer',
    `${file}: ${problem}`,
    'give the tokenizer files of a CLIP model, or none to use the vocabulary built in',
    { cause },
  );
}
