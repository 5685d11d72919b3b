/** SigLIP's tokenizers, from tokenizer.json: a unigram vocabulary of sentencepiece (SigLIP), or Gemma's byte-pair encoding (SigLIP 2). */
import { Tokenizer as TokenizerCore } from '@huggingface/tokenizers';
import { FormatError, InputError } from '@mudpt/tensor';
import { sha256Hex } from '../files/sha256.ts';
import { type BatchOptions, type EncodedBatch, packBatch } from './batch.ts';
import { PYTHON_SPACE } from './clean.ts';
import { unescapeHtml } from './html.ts';
import type { EncodeOptions, TextTokenizer } from './text-tokenizer.ts';

/** Cleaning of a text before the steps of tokenizer.json. */
export type TextCleaning =
  /** Lower case, ASCII punctuation removed, white space collapsed: how SigLIP was trained. */
  | 'canonicalize'
  /** Lower case: how SigLIP 2 was trained. */
  | 'lower'
  /** HTML references replaced, "_" a space, then as `canonicalize`: what open_clip does for both. */
  | 'open_clip';

/** A model's files, as text or parsed. */
export type SentencePieceFiles = {
  readonly tokenizerJson: string | object;
  /** Tells the tokens that end and fill texts. */
  readonly tokenizerConfigJson?: string | object | undefined;
};

/** Settings that follow from the kind of tokenizer where its files do not give them. Sources: transformers' SiglipTokenizer and Siglip2Tokenizer. */
const KINDS = {
  Unigram: { cleaning: 'canonicalize', end: '</s>', pad: '</s>' },
  BPE: { cleaning: 'lower', end: '<eos>', pad: '<pad>' },
} as const;

/** Tokens a text has in all SigLIP models. */
const CONTEXT = 64;

type Json = Readonly<Record<string, unknown>>;

/** The parts of the library's tokenizer that are used. Its own declarations do not compile under `nodenext`, so ours must not refer to them. */
type Core = {
  get_vocab(): ReadonlyMap<string, number>;
  encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: readonly number[] };
  id_to_token(id: number): string | undefined;
  token_to_id(token: string): number | undefined;
};

/**
 * Reads a tokenizer of SigLIP. Of sentencepiece's character map (`Precompiled`) the library does what NFKC does.
 * @param options.cleaning default: the one the model of this kind was trained with
 * @throws FormatError naming what is missing in the files
 */
export function createSentencePieceTokenizer(
  { tokenizerJson, tokenizerConfigJson = {} }: SentencePieceFiles,
  options: { readonly cleaning?: TextCleaning } = {},
): SentencePieceTokenizer {
  const file = parsed('tokenizer.json', tokenizerJson);
  const config = parsed('tokenizer_config.json', tokenizerConfigJson);
  const { type } = parsed('tokenizer.json: "model"', file['model'] ?? {});
  if (type !== 'Unigram' && type !== 'BPE')
    throw invalidFile('tokenizer.json', `its model is ${JSON.stringify(type)}, and SigLIP's are "Unigram" or "BPE"`);
  const kind = KINDS[type];
  const names = { end: tokenName(config['eos_token']) ?? kind.end, pad: tokenName(config['pad_token']) ?? kind.pad };
  return new SentencePieceTokenizer(coreOf(file, config), file, names, options.cleaning ?? kind.cleaning);
}

/** Made by `createSentencePieceTokenizer`. Texts have no start token; the end is one, and rows are filled with `pad`. */
export class SentencePieceTokenizer implements TextTokenizer {
  /** Number of token ids that texts may have. */
  readonly vocabularySize: number;
  readonly end: number;
  readonly pad: number;

  constructor(
    private readonly core: Core,
    private readonly file: Json,
    private readonly names: { readonly end: string; readonly pad: string },
    readonly cleaning: TextCleaning,
  ) {
    let last = -1;
    for (const [token, id] of core.get_vocab()) if (id > last && !SENTINEL.test(token)) last = id;
    this.vocabularySize = 1 + last;
    this.end = this.idOf(names.end);
    this.pad = this.idOf(names.pad);
  }

  encode(text: string, { specialTokens = true }: EncodeOptions = {}): number[] {
    const clean = CLEANINGS[this.cleaning](text);
    const ids = clean === '' ? [] : [...this.core.encode(clean, { add_special_tokens: false }).ids];
    return specialTokens ? [...ids, this.end] : ids;
  }

  encodeBatch(texts: readonly string[], { contextLength = CONTEXT, onTooLong }: BatchOptions = {}): EncodedBatch {
    const rows = texts.map((text) => this.encode(text));
    const options = { contextLength, ...(onTooLong && { onTooLong }) };
    const batch = packBatch(texts, rows, this.end, options, this.pad);
    // The tower always reads the last position.
    return { ...batch, eotIndex: batch.eotIndex.fill(contextLength - 1) };
  }

  decode(ids: ArrayLike<number>): string {
    const bytes: number[] = [];
    for (let position = 0; position < ids.length; position += 1) {
      const id = ids[position] ?? -1;
      if (id === this.end) break;
      if (id === this.pad) continue;
      const token = this.core.id_to_token(id);
      if (token === undefined) {
        const range = `use ids from 0 to ${this.vocabularySize - 1}`;
        throw new InputError('decode', `the id ${id} at position ${position} is not in the vocabulary`, range);
      }
      // Characters without a token are written byte by byte.
      const [, byte] = /^<0x([0-9A-F]{2})>$/.exec(token) ?? [];
      if (byte === undefined) bytes.push(...new TextEncoder().encode(token.replaceAll(SPACE, ' ')));
      else bytes.push(Number.parseInt(byte, 16));
    }
    return new TextDecoder().decode(Uint8Array.from(bytes)).trim();
  }

  fingerprint(): Promise<string> {
    const { model, normalizer, pre_tokenizer: words, added_tokens: added } = this.file;
    const facts = [this.cleaning, this.names.end, this.names.pad, model, normalizer ?? null, words ?? null, added ?? []];
    return sha256Hex('fingerprint', new TextEncoder().encode(JSON.stringify(facts)));
  }

  private idOf(token: string): number {
    const id = this.core.token_to_id(token);
    if (id === undefined) throw invalidFile('tokenizer.json', `the vocabulary lacks ${JSON.stringify(token)}`);
    return id;
  }
}

/** T5's tokens for masked spans, which open_clip's files of SigLIP have after all others and the models' tables do not: they stand in no text. */
const SENTINEL = /^\u2581?<extra_id_\d+>_?$/u;

/** How sentencepiece writes a space. */
const SPACE = '\u2581';
/** Python's string.punctuation. */
const PUNCTUATION = /[!-/:-@[-`{-~]/gu;

const CLEANINGS: Readonly<Record<TextCleaning, (text: string) => string>> = {
  canonicalize: canonicalized,
  lower: (text) => text.toLowerCase(),
  open_clip: (text) => canonicalized(unescapeHtml(unescapeHtml(text)).replaceAll('_', ' ')),
};

function canonicalized(text: string): string {
  return text
    .replaceAll(SPACE, ' ')
    .toLowerCase()
    .replace(PUNCTUATION, '')
    .replace(new RegExp(PYTHON_SPACE, 'gu'), ' ')
    .replace(/^ | $/gu, '');
}

/** Steps that a file may leave out. */
const NO_STEPS = { added_tokens: [], normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };

function coreOf(file: Json, config: Json): Core {
  try {
    return new TokenizerCore({ ...NO_STEPS, ...file }, config);
  } catch (cause) {
    throw invalidFile('tokenizer.json', cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** A token as tokenizer_config.json has it: by its text, or as an object. */
function tokenName(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const content = isRecord(value) ? value['content'] : undefined;
  return typeof content === 'string' ? content : undefined;
}

function parsed(name: string, content: unknown): Json {
  let value = content;
  if (typeof content === 'string')
    try {
      value = JSON.parse(content);
    } catch (cause) {
      throw invalidFile(name, `it is no JSON (${String(cause)})`, cause);
    }
  if (isRecord(value)) return value;
  throw invalidFile(name, 'it is no JSON object');
}

const isRecord = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

function invalidFile(file: string, problem: string, cause?: unknown): FormatError {
  return new FormatError('createSentencePieceTokenizer', `${file}: ${problem}`, 'give the tokenizer.json of a SigLIP model', {
    cause,
  });
}
