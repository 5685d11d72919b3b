/** What every registered method does as a run, beside what the conformance kit holds: it goes on where it stopped, serves new classes and other data, and is drawn. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice } from '@mudpt/testing/support';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { isElsewhere } from '../../test/services.ts';
import { methodNamed, methodNames, type PromptLayout } from '../methods/index.ts';
import { settingsOf } from '../settings/fields.ts';
import { evaluateRun, openRun, resumeRun, RunCache, type RunInput, train } from '../runs/index.ts';
import { ModelPool } from '../sweep/model-pool.ts';
import { promptDiagram } from './diagram.ts';
import { COLOURS } from './labels.ts';
import { nearestWords } from './words.ts';

/** Methods whose learnt tensors are of the classes that they were learnt on, and which say so. */
const OF_THEIR_CLASSES = ['linear-probe', 'lp-plus-plus', 'tip-adapter', 'tip-adapter-f', 'taskres'];
/** Methods that learn tokens of the texts, which have nearest words. */
const WITH_WORDS = [
  ...['coop', 'cocoop', 'kgcoop', 'prograd', 'tcp', 'atprompt', 'dept', 'deep-language', 'ivlp', 'maple', 'coprompt'],
  ...['promptsrc', 'umudpt', 'mudpt'],
];
/** Few tokens, drawn: a vocabulary is searched for the words nearest to each. */
const FEW: Readonly<Record<string, unknown>> = { length: 2, initWords: '' };
/** Settings that keep searches and fits short. */
const SHORT: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'linear-probe': { strengths: [1], searchSteps: 1, maxIterations: 20 },
  'lp-plus-plus': { epochs: 4 },
  'tip-adapter': { betaSteps: 2, alphaSteps: 2, cachePasses: 1 },
  'tip-adapter-f': { betaSteps: 2, alphaSteps: 2, cachePasses: 1, epochs: 1 },
  prolip: { views: 2 },
  dept: { baseSettings: { length: 2, initWords: '' } },
};

eachDevice('every method as a run', (ctx) => {
  beforeEach(({ skip }) => skip(isElsewhere !== undefined, 'the kit holds kernels and steps on every adapter'));

  let at: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => {
    at = await temporaryFolder();
    await writeShapes(join(at.path, 'shapes'), { train: 2, val: 1, test: 1 });
    await writeShapes(join(at.path, 'others'), { train: 1, test: 1 });
    await writeTinyModel(join(at.path, 'model'));
  });
  afterAll(() => at[Symbol.asyncDispose]());

  it.each(methodNames())('%s', async (name) => {
    const { settings, training, needsTeacher } = methodNamed(name);
    const few = settingsOf(settings).flatMap((field) => (field.name in FEW ? [[field.name, FEW[field.name]] as const] : []));
    const model = join(at.path, 'model');
    const input: RunInput = {
      data: join(at.path, 'shapes'),
      model,
      method: name,
      shots: 1,
      classes: 'base',
      settings: { ...Object.fromEntries(few), ...SHORT[name], ...(needsTeacher && { teacher: model }) },
      ...(training && { training: { batchSize: 2, epochs: 2, iterations: 0, warmupEpochs: 0 } }),
      alternatives: false,
      report: 'no',
    };
    const models = new ModelPool();
    const options = { device: ctx.device, openModel: models.open.bind(models), cache: new RunCache() };
    try {
      const whole = await train(input, { ...options, out: join(at.path, 'whole') });
      if (training) {
        const stop = new AbortController();
        const parts = { ...options, out: join(at.path, 'parts'), observer: { onEpoch: () => stop.abort() } };
        const stopped = await train(input, { ...parts, signal: stop.signal });
        expect(stopped.summary.state).toBe('stopped');
        const { folder } = await resumeRun(stopped.folder.path, options);
        expect(await readFile(folder.file('prompts'))).toEqual(await readFile(whole.folder.file('prompts')));
      }
      const run = await openRun(whole.folder.path, options);
      try {
        const { method, base } = run;
        const layout = whole.summary.method.layout as PromptLayout | undefined;
        expect(layout !== undefined).toBe(method.kind === 'prompts');
        if (layout) expect(promptDiagram({ layout, textLayers: 3, imageLayers: 3 }).text).toContain(COLOURS.after);
        const words =
          method.kind === 'prompts' ? await nearestWords(method, base.clip.tower('text'), await base.clip.tokenizer(), 1) : [];
        expect(words.length > 0).toBe(WITH_WORDS.includes(name));
        for (const asked of [{ classes: 'new' }, { data: join(at.path, 'others') }] as const) {
          const evaluated = evaluateRun(run, asked).then(({ tuned }) => tuned.metrics.count);
          if (OF_THEIR_CLASSES.includes(name)) await expect(evaluated).rejects.toThrow(/cannot (classify|judge)/);
          else expect(await evaluated).toBeGreaterThan(0);
        }
      } finally {
        await run.close();
      }
    } finally {
      models.dispose();
    }
  });
});
