/** A cell that learns from another one: that is run first, whichever is asked for, and once. */
import { join } from 'node:path';
import { temporaryFolder } from '@mudpt/testing/files';
import { writeShapes } from '@mudpt/testing/images';
import { writeTinyModel } from '@mudpt/testing/models/small-clip';
import { eachDevice, hasDefaultLimits } from '@mudpt/testing/support';
import { beforeEach, expect, it } from 'vitest';
import { RunCache, RunFolder } from '../runs/index.ts';
import type { Cell } from './cell.ts';
import { takeNext } from './dispatch.ts';
import { executeCell, type ExecuteOptions, Workplace } from './execute.ts';
import { makePlan } from './make-plan.ts';
import { readPlan, writePlan } from './plan.ts';
import { readRecord } from './record.ts';

/** Training images of a run. */
async function imagesOf(run: RunFolder): Promise<number> {
  const { data } = await run.readSummary();
  return data.classes.reduce((sum, { train }) => sum + train, 0);
}

it('a cell comes after the one that teaches it, and after others that need not wait', () => {
  const cell = (id: string, data: string, teacher?: string): Cell =>
    ({ id, data, config: { model: 'm' }, ...(teacher !== undefined && { teacher }) }) as unknown as Cell;
  const queue = [cell('student', 'a', 'teacher'), cell('teacher', 'a'), cell('other', 'b'), cell('same', 'a')];
  const running = new Set<string>();
  const order: string[] = [];
  let last: Cell | undefined;
  while ((last = takeNext(queue, running, last))) {
    order.push(last.id);
    running.add(last.id);
  }
  expect(order).toEqual(['teacher', 'same', 'other', 'student']);
  const ready = [cell('student', 'a', 'teacher'), cell('other', 'b')];
  expect(takeNext(ready, new Set(), undefined)?.id).toBe('student');
});

eachDevice('a sweep with a teacher', (ctx) => {
  beforeEach(({ skip }) => skip(hasDefaultLimits, 'it runs alike with any limits'));

  it('runs it before its student, which fails where it fails', async () => {
    await using at = await temporaryFolder();
    const [data, model, sweep] = ['shapes', 'model', 'S'].map((name) => join(at.path, name)) as [string, string, string];
    await writeShapes(data, { train: 3, val: 0, test: 2 });
    await writeTinyModel(model);
    const training = ['batchSize=4', 'epochs=1', 'warmupEpochs=0', 'report=no'];
    const settings = ['length=2', 'coop:initWords=', 'promptkd:depth=2'];
    const made = await makePlan({
      protocols: ['few-shot'],
      methods: ['promptkd', 'coop'],
      data: [data],
      shots: [2],
      seeds: [1],
      root: at.path,
      model,
      assignments: [...training, ...settings, 'promptkd:teacher=coop', 'promptkd:shots=all'],
    });
    await writePlan(sweep, made);
    const plan = await readPlan(sweep);
    const [student, teacher] = plan.cells as [Cell, Cell];
    const workplace = new Workplace(() => Promise.resolve(ctx.device), new RunCache());
    const options: ExecuteOptions = { workplace, plan, signal: new AbortController().signal, wait: false };
    const damaged = { ...plan, cells: [student, { ...teacher, config: { ...teacher.config, settings: { length: -1 } } }] };
    expect(await executeCell(sweep, student, { ...options, plan: damaged })).toBe('failed');
    expect(await readRecord(sweep, student)).toMatchObject({ reason: `sweep: the run that teaches it failed: ${teacher.id}` });

    expect(await executeCell(sweep, student, options)).toBe('done');
    expect(await executeCell(sweep, teacher, options)).toBe('finished');
    const [taught, teaching] = [student, teacher].map(({ id }) => new RunFolder(join(sweep, 'runs', id))) as [
      RunFolder,
      RunFolder,
    ];
    expect((await taught.readConfig()).settings['teacher']).toBe(teaching.path);
    expect(await imagesOf(taught)).toBe(12);
    expect(await imagesOf(teaching)).toBe(8);
    workplace.models.dispose();
  });
});
