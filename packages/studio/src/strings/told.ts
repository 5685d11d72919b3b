/** What a person is told of an error, in the language of the page. */
import type { Told } from '../worker/rpc.ts';
import type { Strings } from './en.ts';
import type { Said } from './errors-en.ts';

/** A sentence, and the engine's words for what the sentence does not say. */
export function wordsOf(told: Told, { errors, engine, kinds }: Strings): Said & { readonly detail?: string } {
  if (told.said) {
    const say = errors[told.said.key] as (...words: readonly string[]) => Said;
    return say(...told.said.words);
  }
  const { name, problem, fix, code, values = {} } = told;
  const sentence = code === undefined ? undefined : engine[code];
  if (sentence) return { problem: filled(sentence.problem, values), fix: filled(sentence.fix, values) };
  const kind = kinds[name] ?? kinds['Error'];
  if (kind === undefined) return { problem, ...(fix !== undefined && { fix }) };
  return { problem: kind, detail: fix === undefined ? problem : `${problem}. ${fix}` };
}

function filled(text: string, values: NonNullable<Told['values']>): string {
  return text.replaceAll(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}

/** In one line. */
export function lineOf(told: Told, words: Strings): string {
  const { problem, fix, detail } = wordsOf(told, words);
  return `${problem}${fix === undefined ? '' : words.sentence(fix)}${detail === undefined ? '' : ` (${detail})`}`;
}
