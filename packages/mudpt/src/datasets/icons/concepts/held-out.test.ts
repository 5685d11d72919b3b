import { expect, it } from 'vitest';
import { createTokenizer } from '@mudpt/clip';
import { randomFrom } from '@mudpt/autograd';
import { Captions } from '../../../pretrain/captions.ts';
import { dealtConcepts } from '../../../pretrain/material.ts';
import { CATEGORIES } from './categories.ts';
import { classNames, classOf } from './classes.ts';
import { IconMatcher, subjectOf } from '../collection/match.ts';
import { asWords, heldOutConcepts, splitOf } from './held-out.ts';
import { readManifest } from './manifest.ts';
import { ICON_SETS } from '../sets.ts';
import { heldOutStyles, seenStyles, STYLES } from '../sources/styles.ts';
import { thingsFile } from '../rendering/things.ts';

/** Licences under which drawings may lie in the package. */
const COPIED = new Set(['Apache-2.0', 'MIT', 'ISC', 'CC-BY-4.0', 'CC-BY-3.0', 'CC0-1.0', 'Unlicense']);

const PRETRAINED = (style: string): boolean => seenStyles.includes(style);

it('at least three whole styles are held out, and every style is one or the other', () => {
  expect(heldOutStyles.length).toBeGreaterThanOrEqual(3);
  expect([...seenStyles, ...heldOutStyles].sort()).toEqual(STYLES.map(({ name }) => name).sort());
});

it('there are 20 to 40 classes; of each at least 4 concepts are held out, in all three splits, and more are seen', async () => {
  const concepts = await readManifest();
  expect(CATEGORIES.length).toBeGreaterThanOrEqual(20);
  expect(CATEGORIES.length).toBeLessThanOrEqual(40);
  for (const [category, list] of heldOutConcepts(concepts).entries()) {
    const size = concepts.filter((concept) => concept.category === category).length;
    expect(list.length, CATEGORIES[category]?.name).toBeGreaterThanOrEqual(4);
    expect(list.length).toBeLessThan(size / 2);
    expect(new Set(list.map((_, position) => splitOf(position)))).toEqual(new Set(['train', 'val', 'test']));
  }
});

it('no held-out concept and no held-out picture is pretrained on', async () => {
  const { all, seen, heldOut } = await dealtConcepts();
  expect(seen.length + heldOut.length).toBe(all.length);
  const ids = new Set(seen.map(({ id }) => id));
  expect(heldOut.filter(({ id }) => ids.has(id))).toEqual([]);
  // Every drawing is of one concept only: no other concept brings a held-out one's picture back.
  for (const style of seenStyles) {
    const drawings = new Set(seen.flatMap(({ icons }) => icons[style] ?? []));
    expect(heldOut.flatMap(({ icons }) => icons[style] ?? []).filter((icon) => drawings.has(icon))).toEqual([]);
  }
});

it('no caption names a held-out concept, however often captions are drawn', async () => {
  const { seen, heldOut } = await dealtConcepts();
  const captions = new Captions(heldOut);
  const random = randomFrom(3);
  const names = heldOut.map(({ label }) => asWords(label));
  const drawn = new Set<string>();
  for (let round = 0; round < 12; round++)
    for (const concept of seen) drawn.add(captions.draw(subjectOf(concept), captions.beginning(random), random));
  expect(drawn.size).toBeGreaterThan(3000);
  const wrong = [...drawn].filter((text) => names.some((name) => asWords(text).includes(name)));
  expect(wrong).toEqual([]);
});

it('down-stream pictures were not pretrained on, and no concept is in two splits', async () => {
  const { all, heldOut } = await dealtConcepts();
  const ids = new Set(heldOut.map(({ id }) => id));
  const concept = new Map(
    all.flatMap(({ id, icons }) =>
      Object.entries(icons).flatMap(([style, list]) => list.map((icon) => [`${style}/${icon}`, id] as const)),
    ),
  );
  for (const { name, deal } of ICON_SETS.filter(({ dividesThings }) => !dividesThings)) {
    const places = deal(all);
    const conceptsOf = (split: 'train' | 'val' | 'test'): string[] =>
      places[split].map(({ style, icon }) => concept.get(`${style}/${icon}`) ?? icon);
    for (const { style, icon } of [...places.train, ...places.val, ...places.test])
      if (PRETRAINED(style)) expect(ids.has(concept.get(`${style}/${icon}`) ?? ''), `${name}: ${style}/${icon}`).toBe(true);
    const [train, val, test] = [new Set(conceptsOf('train')), new Set(conceptsOf('val')), new Set(conceptsOf('test'))];
    expect(
      [...train].filter((id) => val.has(id) || test.has(id)),
      name,
    ).toEqual([]);
    expect(
      [...val].filter((id) => test.has(id)),
      name,
    ).toEqual([]);
    expect(test.size).toBeGreaterThan(50);
  }
});

it('the drawn things are held out, and pretraining would leave out every drawing of them by its name', async () => {
  const { all, heldOut } = await dealtConcepts();
  const matcher = new IconMatcher(all, heldOut);
  const labels = new Map(heldOut.map((concept) => [concept.label, concept]));
  const emoji = new Map(
    heldOut.flatMap(({ label, icons }) =>
      seenStyles.flatMap((style) => (icons[style] ?? []).map((icon) => [`${style}/${icon}`, label])),
    ),
  );
  for (const [key, { thing, class: className }] of Object.entries(thingsFile().icons)) {
    const concept = labels.get(thing);
    expect(concept, thing).toBeDefined();
    expect(concept && classNames[classOf(concept) ?? -1], key).toBe(className);
    const [style = '', icon = ''] = key.split('/');
    if (seenStyles.includes(style)) expect(emoji.get(key), key).toBe(thing);
    else expect(matcher.namesHeldOut(icon) || matcher.namesHeldOut(matcher.emojiOf(icon)?.label ?? ''), key).toBe(true);
  }
});

it('no drawing of a thing is in two splits, and no other drawing there looks the same', async () => {
  const set = ICON_SETS.find(({ name }) => name === 'icons-things');
  const { train = [], val = [], test = [] } = set?.deal([]) ?? {};
  const icons = [...train, ...val, ...test].map(({ icon }) => icon);
  expect(new Set(icons).size).toBe(icons.length);
  const bodies = icons.map((icon) => thingsFile().icons[icon]?.body);
  expect(new Set(bodies).size).toBe(bodies.length);
  expect(Object.values(thingsFile().sets).filter(({ licence }) => !COPIED.has(licence))).toEqual([]);
});

it('the vocabulary of CLIP cut down to some texts cuts them into the same tokens', async () => {
  const { reduceVocabulary } = await import('@mudpt/clip');
  const texts = ['an icon of a musical instrument.', "woman's boot", 'Antigua & Barbuda', 'piñata'];
  const { vocab, merges } = await reduceVocabulary(texts, 300);
  const [small, whole] = [
    await createTokenizer({ vocabulary: { vocabJson: vocab, mergesText: merges } }),
    await createTokenizer(),
  ];
  expect(small.vocabularySize).toBeLessThan(1000);
  for (const text of texts) {
    const words = (ids: number[], from: typeof small): string[] => ids.slice(1, -1).map((id) => from.decode([id]));
    expect(words(small.encode(text), small)).toEqual(words(whole.encode(text), whole));
  }
  expect(small.decode(small.encode('zebra crossing'))).toBe('zebra crossing');
});
