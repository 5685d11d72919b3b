/** Training: prompts step by step, methods on features by fitting. */
import type { Clip } from '@mudpt/clip';
import {
  augmentationOf,
  type ClassContext,
  countLearnt,
  type Dataset,
  fitFeatures,
  heldBytes,
  type Method,
  methodContext,
  methodNamed,
  type PromptMethod,
  trainPrompts,
  type TrainingSettings,
} from 'mudpt/core';
import type { EngineEvent, TrainingPlan } from '../worker/protocol.ts';
import { loaderOf } from './features.ts';
import { StudioRecorder } from './recorder.ts';

export interface Learnt {
  readonly isStopped: boolean;
  readonly seconds: number;
  readonly peakBytes: number;
  readonly parameters: number;
  readonly remarks: readonly string[];
  readonly lines: StudioRecorder['lines'];
}

export interface LearnOptions {
  readonly clip: Clip;
  readonly dataset: Dataset;
  readonly plan: TrainingPlan;
  readonly resume: boolean;
  readonly signal: AbortSignal;
  readonly tell: (event: EngineEvent) => void;
}

/** Steps between two readings of the loss: the curve is watched. */
const LOG_EVERY = 5;
/** Seconds between two states that are kept: a reload loses no more. */
const KEEP_SECONDS = 5;

/** The plan's method for these classes, untrained. */
export async function createMethod(
  clip: Clip,
  { method, settings, seed }: Pick<TrainingPlan, 'method' | 'settings' | 'seed'>,
  { classNames, template, descriptions }: ClassContext,
): Promise<Method> {
  return methodNamed(method).create(await methodContext(clip, { classNames, template, descriptions, seed }), settings);
}

/** Trains `method` in place. */
export function learn(method: Method, options: LearnOptions): Promise<Learnt> {
  return method.kind === 'prompts' ? learnPrompts(method, options) : fit(method, options);
}

async function learnPrompts(method: PromptMethod, { clip, dataset, plan, resume, signal, tell }: LearnOptions): Promise<Learnt> {
  const settings = plan.training as unknown as TrainingSettings;
  const loader = loaderOf(clip, { seed: plan.seed, augment: augmentationOf(settings) });
  const recorder = new StudioRecorder(
    plan,
    resume,
    () => tell({ kind: 'anew' }),
    (lines) => tell({ kind: 'curve', lines }),
    (line) => tell({ kind: 'line', line }),
  );
  try {
    const given = dataset.splits.train;
    const part = (done: number): void => tell({ kind: 'part', what: 'images', done, total: given.length });
    const train = await loader.check(given, part, signal);
    const { device } = clip;
    const { isStopped, seconds, peakBytes } = await trainPrompts({
      clip,
      method,
      loader,
      train,
      val: [],
      settings,
      loop: { accumulate: 1, patience: 0, evaluationBatch: 100, logEvery: LOG_EVERY, checkpointSeconds: KEEP_SECONDS },
      // WebGPU does not tell how much memory there is; a single buffer's limit is what a page can count on.
      budget: { bytes: heldBytes(device) + device.limits.maxBufferSize, isAsked: false },
      recorder,
      signal,
      onChoice: ({ rematerialization, bytes }) => tell({ kind: 'choice', rematerialization, bytes }),
      onProgress: ({ epoch, epochs, step, steps, imagesPerSecond, bytes, eta }) =>
        tell({ kind: 'progress', epoch, epochs, step, steps, imagesPerSecond, bytes, eta }),
    });
    const remarks = loader.unreadable.map(({ id, why }) => `${id}: ${why}`);
    return { isStopped, seconds, peakBytes, parameters: countLearnt(method), remarks, lines: recorder.lines };
  } finally {
    await loader.close();
  }
}

async function fit(method: Exclude<Method, PromptMethod>, { clip, dataset, plan, signal, tell }: LearnOptions): Promise<Learnt> {
  const loader = loaderOf(clip, { seed: plan.seed, augment: { scale: method.cropScale } });
  try {
    const { report, seconds } = await fitFeatures({
      clip,
      method,
      loader,
      train: dataset.splits.train,
      val: [],
      forward: (what, total) => ({ batch: 32, signal, onProgress: (done) => tell({ kind: 'part', what, done, total }) }),
    });
    const { peakBytes } = clip.device.memory();
    return { isStopped: false, seconds, peakBytes, parameters: countLearnt(method), remarks: report.remarks, lines: [] };
  } finally {
    await loader.close();
  }
}
