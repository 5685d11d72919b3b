/** A small vocabulary out of CLIP's: for small models, whose token table would otherwise be most of their weights. */
import { toByteCharacters, VOCABULARY_ORDER } from './bytes.ts';
import { END, splitWords, START } from './clean.ts';
import { builtInVocabulary } from './vocabulary.ts';

/** A part of a vocabulary, as files of a model folder. */
export type ReducedVocabulary = {
  /** vocab.json of a model folder: token to id. */
  readonly vocab: Readonly<Record<string, number>>;
  /** merges.txt of a model folder. */
  readonly merges: string;
};

/**
 * The part of CLIP's vocabulary that `texts` need, and its `first` merges, those of the most frequent words. The texts, and all words made
 * of the first merges, are cut into the same tokens as by the whole vocabulary: at every step byte-pair encoding takes the earliest
 * merge there is, and all that it takes for them are kept, in their order. Other words fall into more pieces.
 */
export async function reduceVocabulary(texts: Iterable<string>, first: number): Promise<ReducedVocabulary> {
  const { merges } = await builtInVocabulary();
  const ranks = new Map(merges.map((pair, rank) => [pair.join(' '), rank]));
  const kept = new Set(merges.slice(0, first).keys());
  const words = new Set([...texts].flatMap((text) => splitWords(text, 'openai')));
  for (const word of words) for (const rank of mergesOf(toByteCharacters(word), ranks)) kept.add(rank);
  const chosen = [...kept].sort((a, b) => a - b).flatMap((rank) => merges.slice(rank, rank + 1));
  const bytes = [...VOCABULARY_ORDER, ...VOCABULARY_ORDER.map((character) => `${character}</w>`)];
  const tokens = [...bytes, ...chosen.map((pair) => pair.join('')), START, END];
  return {
    vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    merges: `#version: 0.2\n${chosen.map((pair) => pair.join(' ')).join('\n')}\n`,
  };
}

/** Stands for a pair just joined, so that it is no partner of the next symbol in the same pass. */
const JOINED = '';

/** Ranks of the merges that byte-pair encoding applies to a word. */
function mergesOf(word: string, ranks: ReadonlyMap<string, number>): number[] {
  let symbols = Array.from(word);
  if (symbols.length > 0) symbols[symbols.length - 1] += '</w>';
  const applied: number[] = [];
  for (;;) {
    let best: { rank: number; left: string; right: string } | undefined;
    for (let at = 0; at + 1 < symbols.length; at++) {
      const [left = '', right = ''] = [symbols[at], symbols[at + 1]];
      const rank = ranks.get(`${left} ${right}`);
      if (rank !== undefined && rank < (best?.rank ?? Infinity)) best = { rank, left, right };
    }
    if (!best) return applied;
    applied.push(best.rank);
    const { left, right } = best;
    const joined: string[] = [];
    for (const symbol of symbols) {
      if (symbol === right && joined.at(-1) === left) joined[joined.length - 1] = JOINED;
      else joined.push(symbol);
    }
    symbols = joined.map((symbol) => (symbol === JOINED ? left + right : symbol));
  }
}
