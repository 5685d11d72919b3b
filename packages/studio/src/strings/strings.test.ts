import { expect, it } from 'vitest';
import { en } from './en.ts';
import { zh } from './zh.ts';

/** Every word by its path: a text, or the text of a function for some arguments. */
function wordsOf(value: unknown, path = ''): [path: string, text: string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') {
    const make = value as (...words: unknown[]) => string;
    return [[`${path}(${make.length})`, make(...Array.from({ length: make.length }, (_, place) => `<${place}>`))]];
  }
  return Object.entries(value as object).flatMap(([key, inner]) => wordsOf(inner, path === '' ? key : `${path}.${key}`));
}

/** The same in every language. */
const NAMES = ['language', 'understand.f1', 'use.node'];

it('both languages have the same keys, with the same arguments', () => {
  expect(wordsOf(zh).map(([path]) => path)).toEqual(wordsOf(en).map(([path]) => path));
  const argumentsOf = (text: string): string[] => [...text.matchAll(/<\d>/g)].map(([found]) => found).sort();
  const inEnglish = new Map(wordsOf(en));
  for (const [path, text] of wordsOf(zh))
    expect([path, argumentsOf(text)]).toEqual([path, argumentsOf(inEnglish.get(path) ?? '')]);
});

it('everything is said in Chinese', () => {
  const left = wordsOf(zh).filter(([path, text]) => !NAMES.includes(path) && !/\p{Script=Han}/u.test(text));
  expect(left).toEqual([]);
});
