import { describe, expect, it } from 'vitest';
import { addImages, cleanName, moveImages, removeClass, renameClass, withClass } from './edit.ts';
import { expand } from './intake.ts';
import { foldersOf, inLabelOrder, inPathOrder, pathsOf } from './places.ts';
import { fileName } from './save.ts';
import { sidesOf, testsOf } from './split.ts';
import { EMPTY_PROJECT, type ImageEntry, type Project } from './types.ts';

const image = (id: string, classId: string): ImageEntry => ({ id, classId, name: `${id}.png`, width: 8, height: 8 });
const cats: Project = {
  ...EMPTY_PROJECT,
  classes: [
    { id: 'c', name: 'cat' },
    { id: 'd', name: 'dog' },
  ],
  images: [image('1', 'c'), image('2', 'c'), image('3', 'd')],
};

describe('edits of a project', () => {
  it('equal bytes are told and not taken twice, within one drop too', () => {
    const { project, duplicates } = addImages(cats, [image('1', 'd'), image('4', 'd'), image('4', 'c')]);
    expect(project.images.map(({ id }) => id)).toEqual(['1', '2', '3', '4']);
    expect(duplicates.map(({ of, classId }) => [of.id, of.classId, classId])).toEqual([
      ['1', 'c', 'd'],
      ['4', 'd', 'c'],
    ]);
  });

  it('a class that gets the name of another becomes one with it', () => {
    const { classes, images } = renameClass(cats, 'd', ' cat ');
    expect(classes).toEqual([{ id: 'c', name: 'cat' }]);
    expect(images.map(({ classId }) => classId)).toEqual(['c', 'c', 'c']);
    expect(renameClass(cats, 'd', '  ')).toBe(cats);
  });

  it('moves and removes', () => {
    expect(moveImages(cats, ['1'], 'd').images[0]?.classId).toBe('d');
    expect(removeClass(cats, 'c')).toMatchObject({ classes: [{ id: 'd' }], images: [{ id: '3' }] });
    expect(withClass(cats, 'dog', () => 'x').entry.id).toBe('d');
    expect(withClass(cats, '', () => 'x').entry).toEqual({ id: 'x', name: 'unnamed' });
  });

  it('names lose what cannot be seen and nothing else', () => {
    expect(cleanName('  a\u0000b\u202e \n <b>"c"</b> 猫 ')).toBe('a b <b>"c"</b> 猫');
    expect(fileName('../../<b>&"x"\\: 猫')).toBe('b-x-猫');
    expect(fileName('...')).toBe('studio');
  });
});

describe('what was dropped', () => {
  it('is classed by folders, which classnames.txt names, and not by splits', async () => {
    const paths = [
      'set/train/n01/1.png',
      'set/test/cat/2.JPG',
      'loose.webp',
      '.hidden/3.png',
      'set/notes.md',
      'set/a/train/4.png',
    ];
    const files = paths.map((path) => ({ path, file: new File(['x'], path.split('/').at(-1) ?? '') }));
    const names = { path: 'set/classnames.txt', file: new File(['n01 tabby cat\r\n\nn02  \n'], 'classnames.txt') };
    const { images, others } = await expand([...files, names]);
    expect(images.map(({ path, folder }) => [path, folder])).toEqual([
      ['set/train/n01/1.png', 'tabby cat'],
      ['set/test/cat/2.JPG', 'cat'],
      ['loose.webp', undefined],
      ['set/a/train/4.png', 'a'],
    ]);
    expect(others).toEqual(['set/notes.md']);
  });
});

describe('the order of the zip', () => {
  it('is that in which Node reads it: by folders and file names, told apart where they are equal', () => {
    const classes = [
      { id: 'z', name: 'zebra' },
      { id: 'A', name: 'Ape' },
      { id: 'a', name: 'ape' },
    ];
    expect(inLabelOrder(classes).map(({ id }) => id)).toEqual(['A', 'a', 'z']);
    expect([...foldersOf(classes).values()]).toEqual(['zebra', 'Ape', 'ape-2']);
    const images = [
      { ...image('1', 'z'), name: 'b.png' },
      { ...image('2', 'z'), name: 'B.PNG' },
      { ...image('3', 'a'), name: 'noise.jpg_large' },
      { ...image('4', 'z'), name: 'a.jfif' },
    ];
    const paths = pathsOf({ classes, images }, new Map([['4', 'test']]));
    expect([...paths.values()]).toEqual([
      'train/zebra/b.png',
      'train/zebra/B-2.PNG',
      'train/ape-2/noise.jpg_large.png',
      'test/zebra/a.jfif',
    ]);
    expect(inPathOrder(images, paths).map(({ id }) => id)).toEqual(['4', '3', '2', '1']);
  });
});

describe('the split', () => {
  it('follows from ids and share alone, and leaves something on either side', () => {
    const images = Array.from({ length: 10 }, (_, place) => image(String(place), place < 7 ? 'c' : 'd'));
    const sides = sidesOf({ images, testShare: 0.3 });
    expect(sidesOf({ images: [...images].reverse(), testShare: 0.3 })).toEqual(new Map([...sides].reverse()));
    expect(
      [...sides]
        .filter(([, side]) => side === 'test')
        .map(([id]) => id)
        .sort(),
    ).toEqual(['0', '1', '7']);
    expect([testsOf(1, 0.5), testsOf(2, 0.1), testsOf(2, 0.9), testsOf(10, 0), testsOf(10, 0.25)]).toEqual([0, 1, 1, 0, 3]);
  });
});
