/** Class descriptions: sentences by class name, as CuPL, VisDesc and CoPrompt publish them: `{ "class name": ["sentence", ...] }`. */
import { FormatError, InputError } from '@mudpt/tensor';

/** A file with more than this is not a list of descriptions. */
const MOST = { bytes: 2 ** 28, sentences: 10_000, letters: 10_000 };
const FORM = 'give {"class name": ["sentence", ...], ...}';

/** Sentences by class name, as they were written. */
export type Descriptions = ReadonlyMap<string, readonly string[]>;

/**
 * Reads descriptions.
 * @param name of the file, for messages
 * @throws FormatError naming the class that is not as it should be: no list, an empty one, an empty sentence, a class twice
 */
export function parseDescriptions(text: string, name: string): Descriptions {
  const fail = (problem: string, fix = FORM, cause?: unknown) =>
    new FormatError('descriptions', `${name} ${problem}`, fix, { cause });
  if (text.length > MOST.bytes) throw fail(`has ${text.length} letters`, `give at most ${MOST.bytes}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail(`is no JSON (${(cause as Error).message})`, FORM, cause);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw fail('is no object of classes');
  const repeated = repeatedKey(text);
  if (repeated !== undefined) throw fail(`has ${JSON.stringify(repeated)} twice`, 'put all sentences of a class into one list');
  const all = new Map<string, readonly string[]>();
  for (const [key, sentences] of Object.entries(value)) {
    const of = `for ${JSON.stringify(key)}`;
    if (!Array.isArray(sentences)) throw fail(`has no list of sentences ${of}`);
    if (sentences.length === 0) throw fail(`has no sentence ${of}`, 'give one at least, or leave the class out of the data');
    if (sentences.length > MOST.sentences)
      throw fail(`has ${sentences.length} sentences ${of}`, `give at most ${MOST.sentences}`);
    const bad = sentences.findIndex((one) => typeof one !== 'string' || one.trim() === '' || one.length > MOST.letters);
    if (bad >= 0)
      throw fail(`has something else than a sentence ${of}, place ${bad}`, `give texts of at most ${MOST.letters} letters`);
    all.set(key, sentences as string[]);
  }
  if (all.size === 0) throw fail('has no class');
  return all;
}

/**
 * The sentences of some classes, by their place; names match in any case, underscores are spaces.
 * @param name of the file, for messages
 * @throws InputError for classes without sentences, and for names that no class has
 */
export function descriptionsFor(descriptions: Descriptions, classNames: readonly string[], name: string): (readonly string[])[] {
  const byName = new Map<string, { readonly written: string; readonly sentences: readonly string[] }>();
  for (const [written, sentences] of descriptions) {
    const other = byName.get(folded(written));
    if (other)
      throw new InputError('descriptions', `${name} has "${other.written}" and "${written}", which are one class`, 'keep one');
    byName.set(folded(written), { written, sentences });
  }
  const missing = classNames.filter((className) => !byName.has(folded(className)));
  if (missing.length > 0)
    throw new InputError(
      'descriptions',
      `${name} has no sentences for ${firstNames(missing)}`,
      'give every class a list, under the name that stands here',
    );
  const wanted = new Set(classNames.map(folded));
  const unknown = [...byName].flatMap(([key, { written }]) => (wanted.has(key) ? [] : [written]));
  if (unknown.length > 0)
    throw new InputError(
      'descriptions',
      `${name} has sentences for ${firstNames(unknown)}, which the data does not have`,
      'leave them out, or write the names as the data set has them',
    );
  return classNames.map((className) => byName.get(folded(className))?.sentences ?? []);
}

function folded(name: string): string {
  return name.normalize('NFC').replaceAll('_', ' ').trim().toLowerCase();
}

function firstNames(names: readonly string[]): string {
  const first = names.slice(0, 5).map((one) => JSON.stringify(one));
  return first.join(', ') + (names.length > first.length ? ` and ${names.length - first.length} more classes` : '');
}

/** A key that the object has twice: JSON.parse would keep the last without a word. */
function repeatedKey(text: string): string | undefined {
  const seen = new Set<string>();
  let depth = 0;
  let last: string | undefined;
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (token === '{' || token === '[') depth += 1;
    else if (token === '}' || token === ']') depth -= 1;
    else if (token !== ':') last = token;
    else if (depth === 1 && last !== undefined) {
      const key = JSON.parse(last) as string;
      if (seen.has(key)) return key;
      seen.add(key);
    }
  }
  return undefined;
}
