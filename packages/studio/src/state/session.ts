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
import { type Told, toldOf } from '../worker/rpc.ts';
import { intake, isReady, project, sides, usedClasses, wireDataset } from './project.ts';
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
/** Whether training was to go on, and began anew since images or settings are others now. */
export const isAnew = signal(false);
export const progress = signal<Extract<EngineEvent, { kind: 'progress' }> | undefined>(undefined);
export const outcome = signal<TrainingOutcome | undefined>(undefined);
/** Classes of what was learnt, in the order of its labels; undefined where nothing was. */
export const tunedClasses = signal<readonly string[] | undefined>(undefined);
/** Its method, and whether it was learnt from photographs turned upright. */
export const learnt = signal<{ readonly method: string; readonly exif?: 'apply' | undefined } | undefined>(undefined);
/** What was learnt, on the test images: where training ended, or of imported prompts, where the project has their classes. */
export const tuned = signal<Measured | undefined>(undefined);
/** The frozen model on the same images. */
export const before = signal<Measured | undefined>(undefined);
export const inside = signal<InsideFacts | undefined>(undefined);

/** The project's classes by label of what was learnt; undefined where they are others. */
export const comparableClasses = computed(() => {
  const byName = new Map(usedClasses.value.map((entry) => [entry.name, entry]));
  const found = tunedClasses.value?.flatMap((name) => byName.get(name) ?? []);
  return found?.length === tunedClasses.value?.length && found?.length === byName.size ? found : undefined;
});
export const canMeasure = computed(() => usedClasses.value.length >= 2 && model.value !== undefined);
export const isBusy = computed(() => ['starting', 'running', 'pausing', 'evaluating'].includes(status.value));

/** Whether a sentence has a place for the class. */
export const hasPlace = (template: string): boolean => template.includes('{}');

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
    case 'anew':
      batch(() => {
        lines.value = [];
        isAnew.value = true;
      });
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

/** Opens device and model; then keeps zero-shot up to date. @returns whether that worked; {@link failure} says why not */
export async function openSession(): Promise<boolean> {
  try {
    adapter.value = await engine.call('open');
  } catch (error) {
    failure.value = { of: 'device', told: toldOf(error) };
    return false;
  }
  try {
    await openKeptModel();
  } catch (error) {
    failure.value = { of: 'model', told: toldOf(error) };
    return false;
  }
  watchZeroShot();
  return true;
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

export function forgetResults(): void {
  outcome.value = undefined;
  tuned.value = undefined;
  before.value = undefined;
  tunedClasses.value = undefined;
  learnt.value = undefined;
  inside.value = undefined;
  lines.value = [];
  status.value = 'idle';
}

/** Zero-shot follows classes, template, images and model by itself, a moment after the last change. */
function watchZeroShot(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wanted = '';
  effect(() => {
    if (!isReady.value) return;
    const key = zeroShotKey.value;
    clearTimeout(timer);
    // While images come in, every few of them would be measured anew.
    if (key === '' || key === wanted || isBusy.value || intake.value) return;
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
  if (!canMeasure.value || !hasPlace(project.value.template)) return '';
  const tests = project.value.images.filter(({ id }) => sides.value.get(id) === 'test');
  const images = tests.map(({ id, classId }) => `${id.slice(0, 12)}${classId.slice(0, 8)}`).join();
  return [model.value?.hash, project.value.template, usedClasses.value.map(({ name }) => name).join('\n'), images].join('\n');
});
