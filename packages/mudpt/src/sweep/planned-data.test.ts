import { readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '@mudpt/tensor';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { shapeImage, writeShapes } from '@mudpt/testing/images';
import { expect, it } from 'vitest';
import { FileDigests } from '../cache/file-digests.ts';
import { RunCache } from '../runs/index.ts';
import { executeCell, Workplace } from './execute.ts';
import { makePlan } from './make-plan.ts';
import { readPlan, writePlan } from './plan.ts';
import { checkCellData } from './planned-data.ts';
import { readRecord } from './record.ts';

/** A plan of two seeds on shapes, and what a cell of it says of its data. */
async function planned(at: string) {
  const [data, sweep] = [join(at, 'shapes'), join(at, 'S')];
  await writeShapes(data, { train: 3, test: 2 });
  const made = await makePlan({
    protocols: ['base-to-new'],
    methods: ['maple'],
    data: [data],
    shots: [1],
    seeds: [1, 2],
    root: at,
    model: 'somebody/clip',
    assignments: [],
  });
  await writePlan(sweep, made);
  const { head, cells } = await readPlan(sweep);
  const check = (index: number, known = new FileDigests(undefined, 0)): Promise<void> =>
    checkCellData(sweep, cells[index] as (typeof cells)[0], head.sets, { signal: new AbortController().signal, known });
  return { data, sweep, check, head, cells };
}

const OTHER = shapeImage('blue cross', 77);

it('images that change after the first cell read them are named, also those of the evaluations that follow', async () => {
  await using at = await temporaryFolder();
  const { data, check } = await planned(at.path);
  await check(0);
  await check(0);
  for (const id of ['test/blue_cross/1.png', 'test/red_circle/0.png', 'test/green_square/0.png']) {
    const before = await readFile(join(data, id));
    await writeFile(join(data, id), OTHER);
    const failed = check(1);
    await expect(failed).rejects.toBeInstanceOf(InputError);
    await expect(failed).rejects.toThrow(`shapes has changed since the sweep was begun: ${id} has other contents`);
    await expect(failed).rejects.toThrow(/Put the files back, or plan anew in another folder/);
    // What was put back is what it was, whatever its time.
    await writeFile(join(data, id), before);
    await utimes(join(data, id), new Date(), new Date());
    await check(1);
  }
});

it('a cell on other data fails before a device is opened, with the reason in its record', async () => {
  await using at = await temporaryFolder();
  const { data, sweep, head, cells } = await planned(at.path);
  await rm(join(data, 'test', 'red_circle', '0.png'));
  const workplace = new Workplace(() => Promise.reject(new Error('no device is needed')), new RunCache());
  const [cell] = cells as [(typeof cells)[0]];
  const options = { workplace, plan: { head, cells }, signal: new AbortController().signal, wait: true };
  expect(await executeCell(sweep, cell, options)).toBe('failed');
  expect(await readRecord(sweep, cell)).toMatchObject({
    state: 'failed',
    reason: 'sweep: the data set shapes has changed since the sweep was planned: gone: test/red_circle/0.png',
  });
});

it('each seed adds the training images that it chose', async () => {
  await using at = await temporaryFolder();
  const { data, sweep, check } = await planned(at.path);
  const names = async (): Promise<string[]> => {
    const { images } = JSON.parse(await readFile(join(sweep, 'data', 'shapes.json'), 'utf8')) as { images: object };
    return Object.keys(images).filter((id) => id.startsWith('train'));
  };
  await check(0);
  const first = await names();
  // One shot of each base class.
  expect(first).toHaveLength(2);
  await check(1);
  const both = await names();
  expect(both).toEqual(expect.arrayContaining(first));
  expect(both.length).toBeGreaterThan(2);
  const [chosen = ''] = first;
  await put(join(data, chosen), OTHER);
  await expect(check(0)).rejects.toThrow(`${chosen} has other contents`);
});

it('a set that gained, lost or moved images since the plan is told by their names before anything runs', async () => {
  await using at = await temporaryFolder();
  const { data, sweep, check } = await planned(at.path);
  await put(join(data, 'train', 'red_circle', 'new.png'), OTHER);
  await expect(check(0)).rejects.toThrow('shapes has changed since the sweep was planned: new: train/red_circle/new.png');
  await rename(join(data, 'train', 'red_circle', 'new.png'), join(data, 'test', 'red_circle', '0.png'));
  await check(0);
  await rename(join(data, 'test', 'blue_cross', '1.png'), join(data, 'test', 'red_circle', '7.png'));
  await expect(check(0)).rejects.toThrow('gone: test/blue_cross/1.png; new: test/red_circle/7.png');
  // A plan of an earlier version has no list: numbers are told.
  await rm(join(sweep, 'data', 'shapes.txt.gz'));
  await rm(join(data, 'test', 'red_circle', '7.png'));
  await expect(check(0)).rejects.toThrow('since the sweep was planned: 8 images for test then, 7 now');
});
