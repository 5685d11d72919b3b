/** Learning: training from the beginning or from where it stood, and prompts that a person gives. */
import { batch } from '@preact/signals';
import type { GivenPrompts } from '../project/prompt-folder.ts';
import { database } from '../project/store.ts';
import { pageError } from '../worker/rpc.ts';
import { project, wireDataset } from './project.ts';
import {
  before,
  comparableClasses,
  forgetResults,
  hasPlace,
  inside,
  isAnew,
  isBusy,
  learnt,
  lines,
  lost,
  outcome,
  part,
  progress,
  status,
  telling,
  tuned,
  tunedClasses,
} from './session.ts';
import { engine } from './workers.ts';

/** What was learnt, and training that was under way, when the page was last open. */
export async function restoreLearnt(): Promise<void> {
  const db = await database();
  const result = await db.get('result', 'current');
  if (result) {
    const facts = await engine.call('restore');
    batch(() => {
      tunedClasses.value = facts?.classNames;
      learnt.value = facts;
      outcome.value = result.outcome;
      tuned.value = result.outcome?.tuned;
      before.value = result.outcome?.before;
      lines.value = result.lines;
      status.value = 'finished';
    });
    await lookInside();
    if (!result.outcome) await measureImported();
  }
  const kept = await db.get('training', 'current');
  if (!kept) return;
  batch(() => {
    lines.value = kept.lines;
    status.value = 'paused';
  });
  if (kept.isRunning) await train({ resume: true });
}

/** @param options.resume from the kept state, where there is one of this training. Default false */
export async function train({ resume = false } = {}): Promise<void> {
  batch(() => {
    status.value = 'starting';
    progress.value = undefined;
    isAnew.value = false;
    if (!resume) lines.value = [];
  });
  let classNames: readonly string[] = [];
  const ended = await telling(async () => {
    const dataset = await wireDataset();
    if (!hasPlace(dataset.template)) throw pageError('template', dataset.template);
    ({ classNames } = dataset);
    return engine.call('train', dataset, project.value.request, { resume });
  });
  batch(() => {
    part.value = undefined;
    lost.value = undefined;
    if (!ended) status.value = tunedClasses.value ? 'finished' : 'idle';
    else if (ended.end === 'paused') status.value = 'paused';
    else {
      outcome.value = ended;
      tuned.value = ended.tuned;
      before.value = ended.before;
      // Of the training: the project may have changed while it ran.
      tunedClasses.value = classNames;
      learnt.value = { method: ended.plan.method };
      status.value = 'finished';
    }
  });
  if (ended?.end === 'finished') await lookInside();
}

export async function pause(): Promise<void> {
  status.value = 'pausing';
  await engine.call('pause');
}

/** Gives up training that was paused. */
export async function discard(): Promise<void> {
  await (await database()).delete('training', 'current');
  status.value = tunedClasses.value ? 'finished' : 'idle';
  lines.value = [];
}

async function lookInside(): Promise<void> {
  inside.value = await telling(() => engine.call('inside'));
}

/** @throws StudioError while training runs: it would end on top of what is imported */
export function expectIdle(): void {
  if (isBusy.value) throw pageError('trainingRuns');
}

export async function importPrompts({ tensors, facts, config }: GivenPrompts): Promise<void> {
  expectIdle();
  const read = await engine.call('importPrompts', tensors, facts, config);
  batch(() => {
    forgetResults();
    tunedClasses.value = read.classNames;
    learnt.value = read;
    status.value = 'finished';
  });
  await lookInside();
  await measureImported();
}

/** Imported prompts on the test images, where the project has their classes and images to test on. */
async function measureImported(): Promise<void> {
  const classes = comparableClasses.value;
  if (!classes) return;
  await telling(async () => {
    const dataset = await wireDataset(classes);
    if (dataset.test.length === 0) return;
    const measured = await engine.call('measureTuned', dataset);
    batch(() => {
      tuned.value = measured.tuned;
      before.value = measured.before;
      part.value = undefined;
    });
  });
}
