import { join } from 'node:path';
import { expect, it } from 'vitest';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { shapeImage, writeShapes } from '@mudpt/testing/images';
import type { DatasetDefinition } from '../data/definition.ts';
import { openFolder } from '../data/folder.ts';
import { datasetDefinitions, datasetNames, openDataset, registerDataset } from './registry.ts';

const shapes: DatasetDefinition = {
  name: 'shapes',
  summary: 'coloured shapes',
  template: 'a drawing of a {}.',
  async read(folder) {
    const { classNames, splits } = await openFolder(folder);
    return { classNames, splits };
  },
};

it('a registered data set is opened by its name, from its folder below the root', async () => {
  await using root = await temporaryFolder();
  const before = datasetNames();
  using _registered = registerDataset(shapes);
  expect(datasetNames()).toEqual([...before, 'shapes']);
  await expect(openDataset('shapes', { root: root.path })).rejects.toThrow(/shapes is not there.*--root \(now/);
  await expect(openDataset('shape', { root: root.path })).rejects.toThrow(/neither a path nor the name.*did you mean shapes\?/i);
  await writeShapes(join(root.path, 'shapes'), { train: 2, test: 1 });
  const opened = await openDataset('shapes', { root: root.path });
  expect([opened.name, opened.template, opened.splits.test.length, opened.warnings]).toEqual([
    'shapes',
    'a drawing of a {}.',
    4,
    [],
  ]);
  expect(await openDataset('shapes', { root: root.path, name: 'other', template: '{}' })).toMatchObject({
    name: 'other',
    template: '{}',
  });
});

it('a registered form is asked before those of this package, and only about paths', async () => {
  await using folder = await temporaryFolder();
  await writeShapes(folder.path, { '': 3 });
  await put(join(folder.path, 'labels.txt'), 'red_circle');
  const recognizes = (path: string): Promise<boolean> => Promise.resolve(path === folder.path);
  {
    using _registered = registerDataset({ ...shapes, name: 'labelled', recognizes });
    expect(datasetNames()).not.toContain('labelled');
    expect((await openDataset(folder.path)).template).toBe('a drawing of a {}.');
    await expect(openDataset('labelled')).rejects.toThrow(/neither a path nor the name/);
  }
  expect((await openDataset(folder.path)).template).toBe('a photo of a {}.');
});

it.each<[string, Partial<Record<keyof DatasetDefinition, unknown>>, RegExp]>([
  ['a name that is taken', { name: 'dtd' }, /there is a data set "dtd" already/],
  ['a name of a form', { name: 'csv' }, /there is a data set "csv" already/],
  ['a name that is a path', { name: './shapes' }, /has no name that --data could take/],
  ['no summary', { summary: ' ' }, /"x" has no summary/],
  ['a template without a place', { template: 'a shape' }, /"a shape" has no place for the class name/],
  ['no read', { read: undefined }, /has no function read/],
  ['a recognizes that is none', { recognizes: true }, /recognizes that is no function/],
])('refused: %s', (_, wrong, message) => {
  expect(() => registerDataset({ ...shapes, name: 'x', ...wrong } as DatasetDefinition)).toThrow(message);
  expect(datasetNames()).not.toContain('x');
});

it.each<[string, object, RegExp]>([
  ['a label beyond the classes', { label: 2 }, /gives one in train the label 2, and has 2 classes/],
  ['a label that is none', { label: 0.5 }, /the label 0.5/],
])('what is read is validated: %s', async (_, wrong, message) => {
  await using root = await temporaryFolder();
  const item = { id: 'one', image: shapeImage('red circle', 0), label: 0, ...wrong };
  using _registered = registerDataset({
    ...shapes,
    generated: true,
    read: () => Promise.resolve({ classNames: ['a', 'b'], splits: { train: [item], val: [], test: [] } }),
  });
  await expect(openDataset('shapes', { root: root.path })).rejects.toThrow(message);
});

it('class names, templates and splits that cannot be are named', async () => {
  const open = (contents: object): Promise<unknown> => {
    const read = (): Promise<never> =>
      Promise.resolve({ classNames: ['a'], splits: { train: [], val: [], test: [] }, ...contents } as never);
    using _registered = registerDataset({ ...shapes, generated: true, read });
    return openDataset('shapes');
  };
  await expect(open({ classNames: ['a', ''] })).rejects.toThrow(/has no name for class 1/);
  await expect(open({ template: 'no place' })).rejects.toThrow(/the template "no place", which has no place/);
  await expect(open({ splits: { train: [], test: [] } })).rejects.toThrow(/has no list of val items/);
});

it('every definition of the table says what it is', () => {
  for (const { name, summary } of datasetDefinitions()) expect(summary, name).toMatch(/\w+ \w+/);
});
