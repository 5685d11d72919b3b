/** Predictions as CSV. */
import { csvLine } from '@mudpt/clip';
import type { Classified, Guess } from '../worker/protocol.ts';
import type { ImageEntry } from './types.ts';

/** Test images: file, class, prediction, probability, loss. */
export function csvOfGuesses(
  guesses: readonly Guess[],
  images: ReadonlyMap<string, ImageEntry>,
  names: readonly string[],
): string {
  const rows = guesses.map(({ id, label, top, loss }) => {
    const [guess, share] = top[0] ?? [-1, 0];
    return [images.get(id)?.name ?? id, names[label] ?? '', names[guess] ?? '', share.toFixed(6), loss.toFixed(6)];
  });
  return linesOf([['file', 'class', 'prediction', 'probability', 'loss'], ...rows]);
}

/** Pictures that were tried: what both models take them for. */
export function csvOfTries(
  tried: readonly { readonly path: string; readonly tuned: Classified; readonly frozen: Classified }[],
  names: readonly string[],
): string {
  const first = ({ top, told }: Classified): string[] => {
    const [label, share] = top[0] ?? [-1, 0];
    return told === undefined ? [names[label] ?? '', share.toFixed(6)] : [told.problem, ''];
  };
  const rows = tried.map(({ path, tuned, frozen }) => [path, ...first(tuned), ...first(frozen)]);
  return linesOf([['file', 'prediction', 'probability', 'zero-shot', 'zero-shot probability'], ...rows]);
}

function linesOf(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${csvLine(row)}\n`).join('');
}
