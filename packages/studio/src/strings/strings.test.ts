import { expect, it } from 'vitest';
import { methodFacts } from '../model/settings.ts';
import { en } from './en.ts';
import { zh } from './zh.ts';

/** Every word by its path: a text, or the text of a function for some arguments. */
function wordsOf(value: unknown, path = ''): [path: string, text: string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') {
    const make = value as (...words: unknown[]) => string | object;
    const made = make(...Array.from({ length: make.length }, (_, place) => `<${place}>`));
    return wordsOf(made, `${path}(${make.length})`);
  }
  return Object.entries(value as object).flatMap(([key, inner]) => wordsOf(inner, path === '' ? key : `${path}.${key}`));
}

/** The same in every language. */
const NAMES = ['sentence(1)', 'understand.f1', 'use.node'];
/** What is named by the engine, in its English, where a language has no other words. */
const OF_ENGINE = /^(engine|kinds|methods|train\.fields)\./;
const ofPage = (language: unknown) => wordsOf(language).filter(([path]) => !OF_ENGINE.test(path));

it('both languages have the same keys, with the same arguments', () => {
  expect(ofPage(zh).map(([path]) => path)).toEqual(ofPage(en).map(([path]) => path));
  const argumentsOf = (text: string): string[] => [...text.matchAll(/<\d>/g)].map(([found]) => found).sort();
  const inEnglish = new Map(wordsOf(en));
  for (const [path, text] of ofPage(zh))
    expect([path, argumentsOf(text)]).toEqual([path, argumentsOf(inEnglish.get(path) ?? '')]);
});

it('everything is said in Chinese', () => {
  const left = wordsOf(zh).filter(
    ([path, text]) => !NAMES.includes(path) && !/^methods\..*\.title$/.test(path) && !/\p{Script=Han}/u.test(text),
  );
  expect(left).toEqual([]);
});

it('Chinese has words for methods and settings that there are, and for all of the first ones', () => {
  const methods = methodFacts({ kind: 'embedded', layers: { text: 6, image: 6 } });
  const fields = new Set(methods.flatMap((method) => method.fields.map(({ name }) => name)));
  const names = new Set(methods.map(({ name }) => name));
  expect(Object.keys(zh.methods).filter((name) => !names.has(name))).toEqual([]);
  expect(Object.keys(zh.train.fields).filter((name) => !fields.has(name))).toEqual([]);
  const shown = methods.flatMap((method) => method.fields.filter(({ isMain }) => isMain));
  expect(shown.filter(({ name }) => !zh.train.fields[name])).toEqual([]);
  for (const name of names) expect(zh.methods[name]?.summary, name).toBeDefined();
});
