import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { heldOutStyles, STYLES } from './styles.ts';
import { licenceCounts, noticeText, withNotice } from './notice.ts';
import { COLLECTION, LICENCES } from './collection.ts';

it('the collection has many sets, each once, none of them a held-out style or a style that is seen anyway', () => {
  const names = COLLECTION.map(({ name }) => name);
  expect(names.length).toBeGreaterThan(80);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => STYLES.some((style) => style.name === name))).toEqual([]);
  expect(heldOutStyles).toEqual(['emojione-v1', 'openmoji', 'fxemoji']);
});

it('every set may be trained on: no share-alike licence, no brands', () => {
  for (const { name, licence, version, author } of COLLECTION) {
    expect(LICENCES, name).toContain(licence);
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(author).not.toBe('');
    expect(name).not.toMatch(/brand|logo|crypto|token|simple-icons|devicon|arcticons/);
  }
  for (const licence of LICENCES) expect(licence).not.toMatch(/SA|GPL|NC|ND/);
});

it('NOTICE attributes every set', async () => {
  const notice = await readFile(new URL('../../../../../../NOTICE', import.meta.url), 'utf8');
  expect(notice).toContain(noticeText());
  for (const { name, version, author, licence } of COLLECTION)
    expect(notice).toContain(`@iconify-json/${name} ${version}: ${licence}, ${author}.`);
  expect(withNotice(notice, 'Copied into this repository:')).toBe(notice);
});

it('licences are counted, the commonest first', () => {
  expect(licenceCounts([{ licence: 'MIT' }, { licence: 'CC0-1.0' }, { licence: 'MIT' }])).toBe('MIT 2, CC0-1.0 1');
});
