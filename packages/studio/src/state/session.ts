/** Device, model, zero-shot and training as the page knows them. */
import { batch, computed, effect, signal } from '@preact/signals';
import type { MetricsLine } from 'mudpt/core';
import { database } from '../project/store.ts';
import type {
  AdapterFacts,
  EngineEvent,
  InsideFacts,
  Measured,
  MethodFacts,
  ModelFacts,
  ModelSource,
  TrainingOutcome,
} from '../worker/protocol.ts';
import { StudioError, type Told, toldOf } from '../worker/rpc.ts';
import { change, imagesByClass, isReady, project, sides, wireDataset } from './project.ts';
import { engine, onEngineEvent } from './workers.ts';

export const adapter = signal<AdapterFacts | undefined>(undefined);
export const model = signal<ModelFacts | undefined>(undefined);
export const methods = signal<readonly MethodFacts[]>([]);
/** What the page cannot do without, and why there is none. */
export const failure = signal<{ readonly of: 'device' | 'model'; readonly told: Told } | undefined>(undefined);
/** The last thing that went wrong, told until it is closed. */
export const trouble = signal<Told | undefined>(undefined);
/** What the worker is at. */
export const part = signal<{ readonly what: string; readonly done: number; readonly total: number } | undefined>(undefined);
export const lost = signal<string | undefined>(undefined);

export const zeroShot = signal<Measured | undefined>(undefined);
/** What {@link zeroShot} was measured of. */
const measuredKey = signal('');
/** Whether it is of the present classes, images, template and model. */
export const isZeroShotCurrent = computed(() => measuredKey.value === zeroShotKey.value);

export type TrainingStatus = 'idle' | 'starting' | 'running' | 'pausing' | 'paused' | 'evaluating' | 'finished';
export const status = signal<TrainingStatus>('idle');
export const lines = signal<readonly MetricsLine[]>([]);
export const progress = signal<Extract<EngineEvent, { kind: 'progress' }> | undefined>(undefined);
export const outcome = signal<TrainingOutcome | undefined>(undefined);
/** Classes of what was learnt, in the order of its labels; undefined where nothing was. */
export const tunedClasses = signal<readonly string[] | undefined>(undefined);
/** What was learnt, on the test images: where training ended, or of imported prompts, where the project has their classes. */
export const tuned = signal<Measured | undefined>(undefined);
export const inside = signal<InsideFacts | undefined>(undefined);

/** Classes that have images: what zero-shot and training are about. */
export const usedClasses = computed(() =>
  project.value.classes.filter(({ id }) => (imagesByClass.value.get(id)?.length ?? 0) > 0),
);
/** Whether the project's classes are those of what was learnt: only then zero-shot stands beside it. */
export const isComparable = computed(
  () => tunedClasses.value !== undefined && isSame(tunedClasses.value, namesOf(usedClasses.value)),
);
export const canMeasure = computed(() => usedClasses.value.length >= 2 && model.value !== undefined);
export const isBusy = computed(() => ['starting', 'running', 'pausing', 'evaluating'].includes(status.value));

const namesOf = (classes: readonly { readonly name: string }[]): string[] => classes.map(({ name }) => name);
const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((one, place) => one === b[place]);

/** Runs it; what is thrown is told to the person. @returns undefined where it failed */
export async function telling<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    trouble.value = toldOf(error);
    return undefined;
  }
}

onEngineEvent((event) => {
  switch (event.kind) {
    case 'part':
      part.value = event;
      if (isBusy.value && (event.what === 'zero-shot' || event.what === 'evaluation')) status.value = 'evaluating';
      break;
    case 'curve':
      lines.value = event.lines;
      break;
    case 'line':
      lines.value = [...lines.value, event.line];
      break;
    case 'progress':
      batch(() => {
        progress.value = event;
        lost.value = undefined;
        part.value = undefined;
        if (status.value === 'starting' || status.value === 'evaluating') status.value = 'running';
      });
      break;
    case 'lost':
      lost.value = event.why;
      break;
    case 'reopened':
      batch(() => {
        adapter.value = event.adapter;
        // While training the notice stays until the first step that is done again.
        if (!isBusy.value) lost.value = undefined;
      });
      break;
    default:
  }
});

/** Opens device, model and what was kept; then keeps zero-shot up to date. */
export async function openSession(): Promise<void> {
  try {
    adapter.value = await engine.call('open');
  } catch (error) {
    failure.value = { of: 'device', told: toldOf(error) };
    return;
  }
  try {
    await openKeptModel();
  } catch (error) {
    failure.value = { of: 'model', told: toldOf(error) };
    return;
  }
  watchZeroShot();
  await telling(restore);
}

/** The model that was used last. Where it is gone, a person is told, and the page goes on with the one that comes with it. */
async function openKeptModel(): Promise<void> {
  const kept = await (await database()).get('model', 'current');
  if (kept && kept.kind !== 'embedded' && (await telling(async () => (await openModel(kept), true)))) return;
  await openModel({ kind: 'embedded' });
}

export async function openModel(source: ModelSource): Promise<void> {
  const facts = await engine.call('load', source);
  const known = await engine.call('methods');
  await (await database()).put('model', source, 'current');
  batch(() => {
    model.value = facts;
    methods.value = known;
    part.value = undefined;
    if (outcome.value || tunedClasses.value) forgetResults();
  });
}

/** What was learnt, here and in the worker. */
export async function forgetLearnt(): Promise<void> {
  await engine.call('forget');
  batch(forgetResults);
}

function forgetResults(): void {
  outcome.value = undefined;
  tuned.value = undefined;
  tunedClasses.value = undefined;
  inside.value = undefined;
  lines.value = [];
  status.value = 'idle';
}

/** What was learnt, and training that was under way, when the page was last open. */
async function restore(): Promise<void> {
  const db = await database();
  const result = await db.get('result', 'current');
  if (result) {
    const facts = await engine.call('restore');
    batch(() => {
      tunedClasses.value = facts?.classNames;
      outcome.value = result.outcome;
      tuned.value = result.outcome?.tuned;
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
  if (kept.isRunning) await train(true);
}

/** Zero-shot follows classes, template, images and model by itself, a moment after the last change. */
function watchZeroShot(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wanted = '';
  effect(() => {
    if (!isReady.value) return;
    const key = zeroShotKey.value;
    clearTimeout(timer);
    if (key === '' || key === wanted || isBusy.value) return;
    timer = setTimeout(() => {
      wanted = key;
      void telling(async () => {
        try {
          const measured = await engine.call('zeroShot', await wireDataset());
          if (zeroShotKey.value !== key) return;
          batch(() => {
            zeroShot.value = measured;
            measuredKey.value = key;
          });
        } finally {
          part.value = undefined;
        }
      });
    }, 250);
  });
}

/** What zero-shot depends on; empty where there is nothing to measure. */
const zeroShotKey = computed(() => {
  if (!canMeasure.value) return '';
  const tests = project.value.images.filter(({ id }) => sides.value.get(id) === 'test');
  const images = tests.map(({ id, classId }) => `${id.slice(0, 12)}${classId.slice(0, 8)}`).join();
  return [model.value?.hash, project.value.template, usedClasses.value.map(({ name }) => name).join('\n'), images].join('\n');
});

/** @param resume from the kept state, where there is one of this training */
export async function train(resume: boolean): Promise<void> {
  const goesOn = resume;
  batch(() => {
    status.value = 'starting';
    progress.value = undefined;
    if (!goesOn) lines.value = [];
  });
  let classNames: readonly string[] = [];
  const ended = await telling(async () => {
    const dataset = await wireDataset();
    ({ classNames } = dataset);
    return engine.call('train', dataset, project.value.request, goesOn);
  });
  batch(() => {
    part.value = undefined;
    lost.value = undefined;
    if (!ended) status.value = outcome.value ? 'finished' : 'idle';
    else if (ended.end === 'paused') status.value = 'paused';
    else {
      outcome.value = ended;
      tuned.value = ended.tuned;
      // Of the training: the project may have changed while it ran.
      tunedClasses.value = classNames;
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
  status.value = outcome.value ? 'finished' : 'idle';
  lines.value = [];
}

async function lookInside(): Promise<void> {
  inside.value = await telling(() => engine.call('inside'));
}

/** @throws StudioError while training runs: it would end on top of what is imported */
export function expectIdle(): void {
  if (isBusy.value)
    throw new StudioError({ name: 'InputError', problem: 'training is running', fix: 'pause it, or wait until it is done' });
}

export async function importPrompts(tensors: Blob, facts: string): Promise<void> {
  expectIdle();
  const read = await engine.call('importPrompts', tensors, facts);
  batch(() => {
    forgetResults();
    tunedClasses.value = read.classNames;
    status.value = 'finished';
  });
  await lookInside();
  await measureImported();
}

/** Imported prompts on the test images, where the project has their classes and images to test on. */
async function measureImported(): Promise<void> {
  if (!isComparable.value) return;
  await telling(async () => {
    const dataset = await wireDataset();
    if (dataset.test.length > 0) tuned.value = await engine.call('measureTuned', dataset);
    part.value = undefined;
  });
}

/** Settings of the request; undefined takes the default back. */
export function setSetting(section: 'settings' | 'training', name: string, value: unknown): void {
  change((present) => {
    const { [name]: _, ...rest } = present.request[section];
    return { ...present, request: { ...present.request, [section]: value === undefined ? rest : { ...rest, [name]: value } } };
  });
}
