/** Cleaning of a text, and its split into words. */
import { unescapeHtml } from './html.ts';

/**
 * Whose tokenizer is followed. `openai`: the one of OpenAI's release (HTML references replaced twice), which prompt learning code uses; of
 * its ftfy step the Unicode normalisation (NFC) is done, and what ftfy repairs beside it (mojibake, curly quotes) is left out. `hf`:
 * Hugging Face's CLIPTokenizerFast (NFC, no HTML).
 */
export type TokenizerMode = 'openai' | 'hf';

export const START = '<|startoftext|>';
export const END = '<|endoftext|>';

/** What Python's `str` counts as white space: unlike JavaScript's \s it includes the separators U+001C to U+001F and U+0085, and not U+FEFF. */
export const PYTHON_SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+';

const CLEAN: Readonly<Record<TokenizerMode, (text: string) => string>> = {
  openai: (text) =>
    unescapeHtml(unescapeHtml(text.normalize('NFC')))
      .replace(new RegExp(PYTHON_SPACE, 'gu'), ' ')
      .replace(/^ | $/gu, '')
      .toLowerCase(),
  hf: (text) =>
    text
      .normalize('NFC')
      .replace(/\p{White_Space}+/gu, ' ')
      .toLowerCase(),
};

/** Runs of letters, single number characters, runs of anything else that is no space. */
const COMMON = "'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|[^\\p{White_Space}\\p{L}\\p{N}]+";
const SPECIAL = '<\\|startoftext\\|>|<\\|endoftext\\|>';
// OpenAI's pattern ignores case, in which the lower-case letter ſ (U+017F) equals s.
const WORD: Readonly<Record<TokenizerMode, RegExp>> = {
  openai: new RegExp(`${SPECIAL}|'[sſ]|'t|${COMMON}`, 'gu'),
  hf: new RegExp(`'s|'t|${COMMON}`, 'gu'),
};

/** The words of `text` in the order they stand; the special tokens, where written out, are words of their own. */
export function splitWords(text: string, mode: TokenizerMode): string[] {
  const clean = CLEAN[mode](text);
  if (mode === 'openai') return clean.match(WORD.openai) ?? [];
  // Hugging Face cuts special tokens out first, OpenAI leaves them to the pattern, where punctuation before them swallows their "<|".
  const parts = clean.split(new RegExp(`(${SPECIAL})`, 'u'));
  return parts.flatMap((part) => (part === START || part === END ? [part] : (part.match(WORD.hf) ?? [])));
}
