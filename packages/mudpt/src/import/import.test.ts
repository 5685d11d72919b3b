import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { imagesBelow } from '@mudpt/clip/files';
import { float32ToFloat16, InputError, openSafetensors, toFloat32 } from '@mudpt/tensor';
import { temporaryFolder } from '@mudpt/testing/files';
import { fixtureUrl } from '@mudpt/testing/fixtures';
import { writeShapes } from '@mudpt/testing/images';
import { tinyWeights, writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { torchBytes, type Written } from '@mudpt/testing/weights/torch-writer';
import { describe, expect, it } from 'vitest';
import { run } from '../../test/child.ts';
import { isElsewhere } from '../../test/services.ts';
import { runsBelow } from '../cli/find-run.ts';
import { evaluateRun, openRun, resumeRun, RunFolder, type RunInput, train } from '../runs/index.ts';
import { identifyCheckpoint, locateCheckpoint, readShapes, settingsOfShapes } from './index.ts';

type Tensors = Map<string, Written>;
const written = (shape: readonly number[], data: Float32Array): Written => ({ shape, dtype: 'f32', data: async () => data });

/** What a run learnt. */
async function learntOf(folder: RunFolder): Promise<Tensors> {
  await using file = await openSafetensors(folder.file('prompts'));
  const tensors: Tensors = new Map();
  for (const name of file.tensors.keys()) {
    const { shape, dtype, bytes } = await file.read(name);
    tensors.set(name, written(shape, toFloat32(dtype, bytes)));
  }
  return tensors;
}

/** CLIP's weights where the authors' CustomCLIP has them, in half precision, which is theirs. */
function frozenBeside(seed: number, copy = false): Tensors {
  const tensors: Tensors = new Map();
  for (const [name, { shape, data }] of Object.entries(tinyWeights(seed))) {
    if (name === 'token_embedding.weight') continue;
    const halves = float32ToFloat16(data as Float32Array);
    const tensor: Written = { shape, dtype: 'f16', data: async () => halves };
    if (name === 'logit_scale') tensors.set(name, tensor);
    else if (!name.startsWith('visual.')) tensors.set(`text_encoder.${name}`, tensor);
    else
      for (const prefix of ['image_encoder.', ...(copy ? ['prompt_learner.ZS_image_encoder.'] : [])])
        tensors.set(prefix + name.slice(7), tensor);
  }
  return tensors;
}

const suffix = (learner: string): Tensors =>
  new Map([
    [`${learner}token_prefix`, written([4, 1, 64], new Float32Array(256))],
    [`${learner}token_suffix`, written([4, 2, 64], new Float32Array(512))],
  ]);

/** Writes `<folder>/<registered model>/model.pth.tar-<epoch>`, and which is the newest. */
async function writeDassl(folder: string, model: string, epochs: Readonly<Record<number, Tensors>>): Promise<string> {
  await mkdir(join(folder, model), { recursive: true });
  for (const [epoch, tensors] of Object.entries(epochs)) {
    await writeFile(join(folder, model, `model.pth.tar-${epoch}`), await torchBytes(tensors, { nested: 'state_dict' }));
    await writeFile(join(folder, model, 'checkpoint'), `model.pth.tar-${epoch}\n`);
  }
  return folder;
}

const words = { initWords: 'a photo of a' };

/** A method, the settings it is trained with, the name its authors registered, and what lies beside what was learnt. */
const cases: readonly [string, Record<string, unknown>, string, () => Tensors][] = [
  ['coop', { length: 3, initWords: '', position: 'front' }, 'prompt_learner', () => suffix('')],
  ['coop', { length: 2, initWords: '', classSpecific: true }, 'prompt_learner', () => suffix('')],
  ['cocoop', words, 'prompt_learner', () => suffix('')],
  [
    'maple',
    { length: 2, depth: 3, ...words },
    'MultiModalPromptLearner',
    () => new Map([...frozenBeside(0), ...suffix('prompt_learner.')]),
  ],
  [
    'promptsrc',
    { textLength: 2, textDepth: 3, imageLength: 3, imageDepth: 2, templates: ['a {}.'], aggregation: false },
    'VLPromptLearner',
    () => new Map([...frozenBeside(0, true), ...suffix('prompt_learner.')]),
  ],
  ['mudpt', { length: 2, depth: 3, injection: 'linear' }, 'MultimodalDeepPromptTuning', () => frozenBeside(0)],
  ['mudpt', { length: 2, depth: 1, injection: 'transformer' }, 'UnifiedMultimodalDeepPromptTuning', () => frozenBeside(0)],
];

eachDevice('a released checkpoint', (ctx) => {
  async function prepared(path: string): Promise<RunInput> {
    await writeShapes(join(path, 'shapes'), { train: 2, test: 2 });
    await writeTinyModel(join(path, 'model'));
    return { data: join(path, 'shapes'), model: join(path, 'model'), shots: 'all', alternatives: false, workers: 0 };
  }

  it.each(cases)(
    'of %s %o becomes a run with the predictions of the run it came from, to the bit',
    async (method, settings, model, beside) => {
      await using at = await temporaryFolder();
      const input = { ...(await prepared(at.path)), method };
      const options = { device: ctx.device, out: join(at.path, 'runs') };
      const training = { epochs: 1, ...(method !== 'cocoop' && { batchSize: 4 }) };
      const { folder } = await train({ ...input, settings, training }, options);
      const learnt = await learntOf(folder);
      // CoOp and CoCoOp save the learner alone.
      const names = new Map(
        [...learnt].map(([name, tensor]) => [model === 'prompt_learner' ? name.slice('prompt_learner.'.length) : name, tensor]),
      );
      const saved = await writeDassl(join(at.path, 'released'), model, { 5: new Map([...names, ...beside()]) });

      const file = await locateCheckpoint(saved);
      const told = Object.fromEntries(Object.entries(settings).filter(([name]) => ['position', 'templates'].includes(name)));
      const found = settingsOfShapes(method, await readShapes(file), told);
      const imported = await identifyCheckpoint(file);
      const made = await train({ ...input, settings: found, imported }, options);
      expect(made.folder.path).toMatch(/imported/);
      expect(made.summary).toMatchObject({ state: 'finished', training: { epochsDone: 0 } });
      expect(made.config.imported).toEqual({ file, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
      expect(await made.folder.readPredictions()).toEqual(await folder.readPredictions());
      for (const [name, { data }] of await learntOf(made.folder))
        expect(await data(), name).toEqual(await learnt.get(name)?.data());

      const opened = await openRun(made.folder.path, { device: ctx.device });
      try {
        const { tuned } = await evaluateRun(opened);
        expect(tuned.metrics).toEqual(made.summary.evaluations.find(({ what }) => what === 'tuned')?.metrics);
      } finally {
        await opened.close();
      }
      await expect(resumeRun(made.folder.path, options)).rejects.toThrow(
        /has finished: it was imported from .*model\.pth\.tar-5 \(sha256/,
      );
    },
  );

  it('is refused where it does not fit, before a run is written: each tensor by name, with both shapes', async () => {
    await using at = await temporaryFolder();
    const input = { ...(await prepared(at.path)), method: 'maple' };
    const out = join(at.path, 'runs');
    const linear = (rows: number): Tensors =>
      new Map([
        ['weight', written([64, rows], new Float32Array(64 * rows))],
        ['bias', written([64], new Float32Array(64))],
      ]);
    const named = (prefix: string, tensors: Tensors): Tensors =>
      new Map([...tensors].map(([name, tensor]) => [prefix + name, tensor]));
    const good: Tensors = new Map([
      ['prompt_learner.ctx', written([2, 64], new Float32Array(128))],
      ...named('prompt_learner.proj.', linear(64)),
    ]);
    const tried = async (tensors: Tensors, more: Partial<RunInput> = {}): Promise<unknown> => {
      const path = join(at.path, 'model.pth.tar-2');
      await writeFile(path, await torchBytes(tensors, { nested: 'state_dict' }));
      const settings = settingsOfShapes('maple', await readShapes(path));
      return train({ ...input, settings, imported: await identifyCheckpoint(path), ...more }, { device: ctx.device, out });
    };
    const wrong: Tensors = new Map([
      ...good,
      ...named('prompt_learner.proj.', linear(48)),
      ['image_encoder.conv1.weight', written([3], new Float32Array(3))],
      ['prompt_learner.more', written([1], new Float32Array(1))],
    ]);
    const refused = tried(wrong);
    await expect(refused).rejects.toThrow(/prompt_learner\.proj\.weight has the shape \[64, 48\], and \[64, 64\] is wanted/);
    await expect(refused).rejects.toThrow(/image_encoder\.conv1\.weight has the shape \[3\], and \[64, 3, 8, 8\] is wanted/);
    await expect(refused).rejects.toThrow(/prompt_learner\.more belongs neither to maple nor to CLIP/);
    await expect(tried(new Map([...good].slice(0, 2)))).rejects.toThrow(/prompt_learner\.proj\.bias of shape \[64\] is missing/);
    await expect(tried(new Map([...good, ...frozenBeside(1)]))).rejects.toThrow(
      /differs from .* of the base model by up to .*learnt on another model/,
    );
    const nan = new Map([...good, ['prompt_learner.ctx', written([2, 64], new Float32Array(128).fill(Number.NaN))] as const]);
    await expect(tried(nan)).rejects.toThrow(/NaN or infinite/);
    await expect(
      tried(good, { imported: { file: join(at.path, 'model.pth.tar-2'), sha256: '0'.repeat(64) } }),
    ).rejects.toBeInstanceOf(InputError);
    expect(await runsBelow(out)).toEqual([]);
    const { summary } = (await tried(good)) as Awaited<ReturnType<typeof train>>;
    expect(summary.state).toBe('finished');
  });
});

describe('the command', () => {
  it('makes a run that evaluate, predict, compare and explain take, and train --resume refuses', {
    timeout: 120_000,
    skip: isElsewhere !== undefined,
  }, async () => {
    await using at = await temporaryFolder();
    const path = (name: string): string => join(at.path, name);
    await writeShapes(path('shapes'), { train: 2, test: 2 });
    await writeTinyModel(path('model'));
    const context = Float32Array.from({ length: 128 }, (_, index) => Math.sin(index) / 50);
    await writeDassl(path('released'), 'prompt_learner', { 50: new Map([['ctx', written([2, 64], context)], ...suffix('')]) });
    const say = (words: readonly string[], code = 0): Promise<string> => run(words, path('cache'), code);
    const words = [
      '--method',
      'coop',
      '--data',
      path('shapes'),
      '--model',
      path('model'),
      '--set',
      'position=middle',
      '--out',
      path('runs'),
    ];
    const told = await say(['import', path('released'), ...words]);
    expect(told).toMatch(/from +\S+model\.pth\.tar-50 \(sha256 [0-9a-f]{64}\)/);
    expect(told).toMatch(/position="middle"/);
    const [folder = ''] = await runsBelow(path('runs'));
    expect(folder).toMatch(/coop-model-16shots-imported-[0-9a-f]{8}.seed1$/);
    expect(await say(['import', path('released'), ...words], 1)).toMatch(/is there already and has finished/);
    expect(await say(['evaluate', folder])).toMatch(/tuned +\d/);
    const [image = ''] = (await imagesBelow(path('shapes'))).images;
    expect(await say(['predict', folder, join(path('shapes'), image)])).toMatch(/%/);
    expect(await say(['compare', path('runs')])).toMatch(/coop +shapes +all +16/);
    expect(await say(['explain', folder])).toMatch(/nearest tokens[^]*report/);
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toMatch(
      /128 numbers were read from <code>\S+tar-50<\/code>, evaluated on/,
    );
    expect(await say(['train', '--resume', folder], 1)).toMatch(/it was imported from \S+tar-50 \(sha256/);
  });
});

describe('a folder of Dassl', () => {
  it('means its newest epoch, or the one asked for', async () => {
    await using at = await temporaryFolder();
    const one: Tensors = new Map([['ctx', written([2, 4], new Float32Array(8))]]);
    await writeDassl(at.path, 'prompt_learner', { 9: one, 50: one });
    expect(await locateCheckpoint(at.path)).toMatch(/prompt_learner\/model\.pth\.tar-50$/);
    expect(await locateCheckpoint(join(at.path, 'prompt_learner'), 9)).toMatch(/tar-9$/);
    await expect(locateCheckpoint(at.path, 7)).rejects.toThrow(/has no epoch 7, it has model\.pth\.tar-50, model\.pth\.tar-9/);
    await writeDassl(at.path, 'VLPromptLearner', { 1: one });
    await expect(locateCheckpoint(at.path)).rejects.toThrow(/several models/);
    await expect(locateCheckpoint(join(at.path, 'absent'))).rejects.toThrow(/no file or folder/);
  });
});

describe('settings', () => {
  it("follow from the authors' own state dicts", async () => {
    const shapesOf = async (name: string) => {
      await using file = await openSafetensors(fixtureUrl(`methods/${name}_a.safetensors`));
      return new Map([...file.tensors].flatMap(([key, { shape }]) => (key.startsWith('final.') ? [[key.slice(6), shape]] : [])));
    };
    expect(settingsOfShapes('maple', await shapesOf('maple'))).toEqual({ length: 2, depth: 3 });
    expect(settingsOfShapes('cocoop', await shapesOf('cocoop'))).toMatchObject({ length: 4, reduction: 16 });
    expect(settingsOfShapes('coop', await shapesOf('coop_csc_front'))).toMatchObject({ length: 3, classSpecific: true });
    const both = { textLength: 2, textDepth: 3, imageLength: 3, imageDepth: 2 };
    for (const name of ['promptsrc', 'ivlp']) expect(settingsOfShapes(name, await shapesOf(name))).toEqual(both);
    expect(settingsOfShapes('mudpt', await shapesOf('mudpt_linear'))).toMatchObject({ length: 2, depth: 3, injection: 'linear' });
    expect(settingsOfShapes('mudpt', await shapesOf('mudpt_transformer'))).toMatchObject({ depth: 3, injection: 'transformer' });
    expect(settingsOfShapes('umudpt', await shapesOf('umudpt'))).toMatchObject({ length: 2, depth: 3 });
    expect(() => settingsOfShapes('maple', new Map())).toThrow(/the checkpoint has no prompt_learner\.ctx/);
    expect(() => settingsOfShapes('maple', new Map([['prompt_learner.ctx', [2, 2, 64]]]))).toThrow(
      /has the shape \[2, 2, 64\], and 2 axes/,
    );
    expect(() => settingsOfShapes('vpt', new Map())).toThrow(/checkpoints of vpt cannot be imported.*coop, cocoop, maple/s);
    const maple = await shapesOf('maple');
    expect(() => settingsOfShapes('maple', maple, { depth: 9 })).toThrow(
      /depth is asked to be 9, and the shapes in the file say 3/,
    );
  });
});
