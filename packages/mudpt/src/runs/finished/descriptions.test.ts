import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fillTemplate } from '../../data/index.ts';
import { scope, type Tensor, tensor } from '@mudpt/tensor';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { tinyClip, writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { expect, it } from 'vitest';
import { methodContext, methodNamed } from '../../methods/index.ts';
import { evaluateRun } from './evaluate.ts';
import { openRun } from './open-run.ts';
import { predictFiles } from './predict.ts';
import { train } from '../training/run.ts';
import type { RunInput } from '../settings/settings.ts';

const NAMES = ['blue cross', 'green square', 'red circle', 'yellow triangle'];
const CONTEXT = { classNames: NAMES, template: 'a {}.', seed: 1 };
const TEMPLATES = ['a photo of a {}.', 'the {}, seen from afar', 'one {}'];
/** The same texts, written as descriptions. */
const FILLED = NAMES.map((name) => TEMPLATES.map((template) => fillTemplate(template, name)));

eachDevice('class descriptions', (ctx) => {
  it('give what templates of the same texts give, to methods with frozen texts', async () => {
    using clip = tinyClip(ctx.device);
    const [plain, described] = await Promise.all(
      [{}, { descriptions: FILLED }].map((more) => methodContext(clip, { ...CONTEXT, ...more })),
    );
    if (!plain || !described) throw new Error('no context');
    const close = async (a: Float32Array, b: Float32Array) => {
      expect(a.length).toBe(b.length);
      for (const [at, value] of a.entries()) expect(value).toBeCloseTo(b[at] ?? Number.NaN, 4);
    };
    using features = tensor(
      Float32Array.from({ length: 3 * clip.config.embed }, (_, at) => Math.sin(at)),
      {
        shape: [3, clip.config.embed],
        device: ctx.device,
      },
    );
    const logits = async (context: typeof plain, templates: readonly string[]): Promise<Float32Array> => {
      const method = methodNamed('zero-shot').create(context, { templates });
      if (method.kind !== 'features') throw new Error('zero-shot is on features');
      using of = method.evaluate(features);
      const values = (await of.data()).slice() as Float32Array;
      method.dispose();
      return values;
    };
    await close(await logits(described, []), await logits(plain, TEMPLATES));
    expect(await logits(described, [])).not.toEqual(await logits(plain, []));
    // Templates that are asked for stand beside the sentences.
    await close(await logits(described, ['my {}']), await logits(plain, [...TEMPLATES, 'my {}']));

    const { size } = clip.config.image;
    using images = tensor(
      Float32Array.from({ length: 2 * 3 * size * size }, (_, at) => Math.cos(at)),
      {
        shape: [2, 3, size, size],
        device: ctx.device,
      },
    );
    using labels = tensor(Int32Array.from([0, 3]), { device: ctx.device });
    const textLoss = async (context: typeof plain, templates: readonly string[]): Promise<number> => {
      const method = methodNamed('promptsrc').create(context, { textDepth: 2, imageDepth: 2, templates });
      if (method.kind !== 'prompts') throw new Error('promptsrc learns prompts');
      using text = scope(() => method.loss(images, labels).terms['text'] as Tensor);
      const value = await text.item();
      method.dispose();
      return value;
    };
    // Sentences of unequal number, in place of the templates of the settings.
    const few = await methodContext(clip, {
      ...CONTEXT,
      descriptions: FILLED.map((all, label) => all.slice(0, 1 + (label % 2))),
    });
    expect(await textLoss(described, ['x {}'])).toBeCloseTo(await textLoss(plain, TEMPLATES), 4);
    expect(await textLoss(few, TEMPLATES)).not.toBeCloseTo(await textLoss(plain, TEMPLATES), 4);
    const long = await methodContext(clip, { ...CONTEXT, descriptions: [...FILLED.slice(1), ['word '.repeat(90)]] });
    expect(() => methodNamed('zero-shot').create(long, {})).toThrow(
      /a sentence of yellow triangle has 92 tokens, the text tower holds 32/,
    );
  });

  it('are part of a run, which is recorded by their contents and follows its classes', async () => {
    await using at = await temporaryFolder();
    await writeShapes(join(at.path, 'shapes'), { train: 2, val: 1, test: 2 });
    await writeTinyModel(join(at.path, 'model'));
    const file = join(at.path, 'sentences.json');
    const write = (sentences: readonly (readonly string[])[], path = file) =>
      writeFile(path, JSON.stringify(Object.fromEntries(NAMES.map((name, label) => [name, sentences[label]]))));
    await write(FILLED);
    const input: RunInput = {
      data: join(at.path, 'shapes'),
      model: join(at.path, 'model'),
      method: 'zero-shot',
      shots: 'all',
      classes: 'base',
      alternatives: false,
    };
    const options = { device: ctx.device, out: join(at.path, 'runs') };
    const plain = await train(input, options);
    const made = await train({ ...input, descriptions: file }, options);
    expect(made.folder.path).not.toBe(plain.folder.path);
    expect(made.summary.marks.data).not.toBe(plain.summary.marks.data);
    expect(await readFile(made.folder.file('config'), 'utf8')).toMatch(
      /descriptions:\n  file: .*sentences\.json\n  sha256: [0-9a-f]{64}\n/,
    );
    expect(made.summary.data.classes.map(({ prompt }) => prompt)).toEqual([
      'a photo of a blue cross. (and 2 more)',
      'a photo of a green square. (and 2 more)',
    ]);
    const asTemplates = await train({ ...input, settings: { templates: TEMPLATES } }, options);
    const ofTest = async ({ folder }: typeof made) => (await folder.readPredictions()).map(({ tuned }) => tuned);
    const [a, b] = [await ofTest(made), await ofTest(asTemplates)];
    for (const [index, ranked] of a.entries())
      for (const [place, [label, probability]] of ranked.entries()) {
        expect(label).toBe(b[index]?.[place]?.[0]);
        expect(probability).toBeCloseTo(b[index]?.[place]?.[1] ?? Number.NaN, 4);
      }

    const run = await openRun(made.folder.path, { device: ctx.device });
    try {
      expect(run.facts.descriptions).toEqual(FILLED.slice(0, 2));
      const image = join(at.path, 'shapes', 'test', 'blue_cross', '0.png');
      const [one] = await predictFiles(run, [image], 2);
      const recorded = (await made.folder.readPredictions()).find(({ path }) => path === image);
      expect(one?.top[0]?.probability).toBeCloseTo(recorded?.tuned[0]?.[1] ?? Number.NaN, 5);
      const fresh = await evaluateRun(run, { classes: 'new' });
      expect(fresh.classNames).toEqual(['red_circle', 'yellow_triangle']);
      expect(fresh.tuned.variation).toBeUndefined();
      const other = join(at.path, 'other.json');
      await write(FILLED.toReversed(), other);
      const varied = await evaluateRun(run, { descriptions: other });
      expect(varied.tuned.variation).toMatchObject({ descriptions: expect.stringMatching(/^[0-9a-f]{64}$/) });
      expect(varied.zeroShot.variation).toEqual(varied.tuned.variation);
      expect((await evaluateRun(run, { descriptions: file })).tuned.variation).toBeUndefined();
      const { evaluations } = await made.folder.readSummary();
      expect(evaluations.filter(({ what, classes }) => what === 'tuned' && classes === 'base')).toHaveLength(2);
      await write(FILLED.toReversed());
      await expect(evaluateRun(run, { classes: 'new' })).rejects.toThrow(/sentences\.json has changed since the run was made/);
    } finally {
      await run.close();
    }
    await writeFile(file, '{"blue cross": ["x"]}');
    await expect(train({ ...input, descriptions: file }, options)).rejects.toThrow(
      /no sentences for "green_square", "red_circle"/,
    );
  });

  it('are drawn in each step by a method that does so; a run that was stopped goes on to the same bits', async () => {
    await using at = await temporaryFolder();
    await writeShapes(join(at.path, 'shapes'), { train: 4, val: 1, test: 2 });
    await writeTinyModel(join(at.path, 'model'));
    const file = join(at.path, 'sentences.json');
    // Unequal numbers of sentences.
    const some = FILLED.map((sentences, label) => sentences.slice(label % 3));
    await writeFile(file, JSON.stringify(Object.fromEntries(NAMES.map((name, label) => [name, some[label]]))));
    const input: RunInput = {
      data: join(at.path, 'shapes'),
      model: join(at.path, 'model'),
      method: 'coprompt',
      settings: { depth: 2 },
      training: { epochs: 2, batchSize: 3, lr: 0.05 },
      shots: 'all',
      classes: 'base',
      alternatives: false,
      descriptions: file,
      logEvery: 1,
    };
    const whole = await train(input, { device: ctx.device, out: join(at.path, 'whole') });
    const stop = new AbortController();
    const onProgress = ({ step }: { step: number }): void => void (step === 2 && stop.abort());
    const parts = { device: ctx.device, out: join(at.path, 'parts') };
    const begun = await train(input, { ...parts, signal: stop.signal, observer: { onProgress } });
    expect(begun.summary.state).toBe('stopped');
    const resumed = await train(input, { ...parts, resume: true });
    const learnt = async ({ folder }: typeof whole) => await readFile(folder.file('prompts'));
    expect(await learnt(resumed)).toEqual(await learnt(whole));
    const { descriptions: _, ...without } = input;
    const texts = await train(without, { device: ctx.device, out: join(at.path, 'whole') });
    expect(await learnt(texts)).not.toEqual(await learnt(whole));
    const run = await openRun(resumed.folder.path, { device: ctx.device });
    try {
      expect((await evaluateRun(run, { classes: 'new' })).classNames).toEqual(['red_circle', 'yellow_triangle']);
    } finally {
      await run.close();
    }
  });
});
