/** The program for pages that the studio shows gives what Node predicts from the same files, with all that they say of images. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as clipEntry from '@mudpt/clip';
import * as tensorEntry from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { imagePath } from '@mudpt/testing/images';
import { openRun, predictFiles } from 'mudpt';
import * as core from 'mudpt/core';
import { configOf, exifOf } from '../src/model/prompts.ts';
import { pageProgram } from '../src/views/programs.ts';

const MODEL = fileURLToPath(new URL('../../mudpt/assets/clip', import.meta.url));
const CLASSES = ['cat', 'tree', 'small boat'];
/** Its orientation is 6: a quarter turn. */
const IMAGE = imagePath('exif6.jpg');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'studio-programs-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a program as a page does: its imports are entries, its model and files come from the disk, its output is returned; what it leaves open is closed. */
async function run(program: string, device: tensorEntry.Device): Promise<unknown> {
  const left: { dispose(): void }[] = [];
  const noted = <T extends { dispose(): void }>(one: T): T => {
    left.push(one);
    return one;
  };
  const entries: Readonly<Record<string, object>> = {
    '@mudpt/tensor': { ...tensorEntry, Device: { open: async () => device } },
    '@mudpt/clip': { ...clipEntry, loadClip: async () => noted(await clipEntry.loadClip(MODEL, { device })) },
    'mudpt/core': {
      ...core,
      methodNamed: (name: string) => {
        const { create } = core.methodNamed(name);
        return { create: (...given: Parameters<typeof create>) => noted(create(...given)) };
      },
    },
  };
  const body = program
    .replaceAll(/^import (\{.*\}) from '(.*)';$/gm, "const $1 = entries['$2'];")
    .replace('console.log(', 'return (');
  const fetched = async (path: string): Promise<Blob> => new Blob([await readFile(join(folder, path))]);
  const answer = async (path: string) => ({ blob: () => fetched(path), text: async () => (await fetched(path)).text() });
  const file = new File([await readFile(IMAGE)], 'exif6.jpg');
  // oxlint-disable-next-line no-new-func -- it is a program that people copy
  const make = new Function('entries', 'fetch', 'file', 'modelFiles', `return (async () => {${body}})();`);
  try {
    return await tensorEntry.scope(() => make(entries, answer, file, undefined) as Promise<unknown>);
  } finally {
    for (const one of left) one.dispose();
  }
}

eachDevice('the program for pages', (context) => {
  it.each([
    { name: 'coop', isFitted: false, exif: 'apply', temperature: 3 },
    { name: 'linear-probe', isFitted: true, exif: undefined, temperature: undefined },
  ] as const)('$name, exif $exif', async ({ name, isFitted, exif, temperature }) => {
    const { device } = context;
    const clip = await clipEntry.loadClip(MODEL, { device });
    const about = { classNames: CLASSES, template: 'an icon of a {}.', seed: 3 };
    const { settings: schema, create } = core.methodNamed(name);
    const settings = schema.parse({}) as Record<string, unknown>;
    const method = create(await core.methodContext(clip, about), settings);
    if (method.kind === 'features') {
      const { embed } = clip.config;
      const numbers = Float32Array.from({ length: CLASSES.length * embed }, (_, place) => Math.sin(place));
      using weight = tensorEntry.tensor(numbers, { shape: [CLASSES.length, embed], device });
      using bias = tensorEntry.zeros([CLASSES.length], { device });
      await method.restore(
        new Map([
          ['weight', weight],
          ['bias', bias],
        ]),
      );
    }
    const files = await core.promptBytes(method, {
      ...about,
      method: name,
      settings,
      model: { name: 'embedded', hash: clip.hash ?? '', embed: clip.config.embed },
      data: 'some',
      shots: 1,
      ...(exif && { exif }),
      ...(temperature && { temperature }),
    });
    method.dispose();
    clip.dispose();
    await writeFile(join(folder, 'prompts.safetensors'), files.tensors);
    await writeFile(join(folder, 'prompts.json'), files.facts);
    await writeFile(join(folder, 'config.yaml'), await configOf(files.facts));
    const facts = { folder: '.', model: 'embedded', modelPath: undefined, isFitted, exif };
    const [[...shares] = []] = (await run(pageProgram(facts), device)) as number[][];

    const tuned = await openRun(folder, { device });
    const [{ top } = { top: [] }] = await predictFiles(tuned, [IMAGE], CLASSES.length);
    await tuned.close();
    for (const { name: label, probability } of top) expect(shares[CLASSES.indexOf(label)]).toBeCloseTo(probability, 5);
    expect(new Set(shares.map((share) => share.toFixed(4))).size).toBe(CLASSES.length);
  });
});

it('how a run turned its images is read from the prompts, and from the configuration of earlier versions', () => {
  const facts = {} as core.PromptDescription;
  expect(exifOf({ ...facts, exif: 'apply' }, '')).toBe('apply');
  expect(exifOf(facts, 'data: a\nexif: apply\nseed: 1\n')).toBe('apply');
  expect(exifOf(facts, 'data: a\nexif: ignore\n')).toBeUndefined();
});
