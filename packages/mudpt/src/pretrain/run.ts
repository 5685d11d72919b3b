/** The training loop: updates, checkpoints, validation. */
import { appendFile, mkdir } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Device, InputError, openSafetensors } from '@mudpt/tensor';
import { classNames } from '../datasets/icons/concepts/classes.ts';
import { ICON_TEMPLATE } from '../datasets/icons/sets.ts';
import { Batches } from './batches.ts';
import { BestState } from './best.ts';
import { imageFeatures, type Probe, recallAt, textFeatures, zeroShotAccuracy } from './evaluate.ts';
import { Learner } from './learner.ts';
import { type Throughput, ThroughputMeter } from './throughput.ts';
import type { Material } from './material.ts';
import { isOnTheWay, levelUpdates, rateAt, type Recipe } from './recipe.ts';

export type Validation = { readonly [name: string]: number };

export type Progress = {
  readonly step: number;
  readonly steps: number;
  /** Mean since the last report. */
  readonly loss: number;
  readonly lr: number;
  readonly secondsPerStep: number;
  readonly throughput: Throughput;
  /** Seconds to go. */
  readonly eta: number;
  readonly validation?: Validation;
};

export type RunOptions = {
  readonly recipe: Recipe;
  readonly material: Material;
  readonly device: Device;
  /** Folder of checkpoint and log; taken up where it stopped if it has a checkpoint. */
  readonly out: string;
  /** Images to validate on, by name. Those with classes count for zero-shot accuracy. */
  readonly probes: Readonly<Record<string, readonly Probe[]>>;
  readonly onProgress?: (progress: Progress) => void;
  /** Once aborted, the state is saved and the run returns. */
  readonly signal?: AbortSignal;
};

/** Updates between two reports. */
const REPORT_EVERY = 10;

export const checkpointOf = (out: string): string => join(out, 'last.safetensors');

/** The state before the rate falls, from which a longer run goes on as if it had been one from the start. */
const levelOf = (out: string): string => join(out, 'level.safetensors');

/**
 * Makes the learner of `out`: as saved there, or new.
 * @throws InputError when no state there is one of a run of this length
 */
export async function openLearner({ recipe, material, device, out }: Pick<RunOptions, 'recipe' | 'material' | 'device' | 'out'>) {
  const { tokenizer } = material;
  const saved = [checkpointOf(out), levelOf(out)].filter((path) => existsSync(path));
  const path = await firstOnTheWay(saved, recipe);
  if (saved.length > 0 && path === undefined)
    throw new InputError(
      'pretrain',
      `the run in ${out} has lowered its rate as one of another length than ${recipe.steps} updates`,
      'give the --steps it was started with, more of them, or another --out',
    );
  const config = { ...recipe.model, text: { ...recipe.model.text, vocabulary: tokenizer.vocabularySize } };
  const learner = new Learner(device, config, tokenizer, recipe);
  if (path !== undefined) await learner.load(path);
  return learner;
}

async function firstOnTheWay(paths: readonly string[], recipe: Recipe): Promise<string | undefined> {
  for (const path of paths) {
    const file = await openSafetensors(path);
    const { metadata } = file;
    await file.close();
    const { steps, cooldown } = JSON.parse(metadata['recipe'] ?? '{}') as Partial<Recipe>;
    if (steps !== undefined && cooldown !== undefined && isOnTheWay(Number(metadata['step']), { steps, cooldown }, recipe))
      return path;
  }
  return undefined;
}

/** Trains from where `out` stands up to the recipe's last update. Returns the learner, which the caller disposes. */
export async function pretrain(options: RunOptions): Promise<Learner> {
  const { recipe, material, out, probes, onProgress, signal } = options;
  await mkdir(out, { recursive: true });
  const learner = await openLearner(options);
  const batches = new Batches(material.drawings, material.captions, material.tokenizer, recipe);
  const log = async (entry: object): Promise<void> => appendFile(join(out, 'log.jsonl'), `${JSON.stringify(entry)}\n`);
  const best = await BestState.of(out, learner.step);
  const meter = new ThroughputMeter(recipe.batch);
  let losses: number[] = [];
  let next = learner.step < recipe.steps ? batches.make(learner.step) : undefined;
  const isStopped = (): boolean => signal?.aborted ?? false;
  meter.restart();
  while (next && !isStopped()) {
    const lr = rateAt(learner.step, recipe);
    const batch = next;
    const done = await meter.step(
      () => learner.learn(batch).item(),
      () => (learner.step < recipe.steps ? batches.make(learner.step) : undefined),
    );
    next = done.next;
    losses.push(done.result);
    const { step } = learner;
    const isLast = step === recipe.steps;
    const validates = step % recipe.evaluateEvery === 0 || isLast;
    if (step % REPORT_EVERY === 0 || validates) {
      const { secondsPerStep, ...throughput } = meter.mean(learner.flops(batch));
      const mean = losses.reduce((sum, value) => sum + value, 0) / losses.length;
      const validation = validates ? await validate(learner, probes) : undefined;
      const eta = secondsPerStep * (recipe.steps - step);
      onProgress?.({
        step,
        steps: recipe.steps,
        loss: mean,
        lr,
        secondsPerStep,
        throughput,
        eta,
        ...(validation && { validation }),
      });
      await log({ step, loss: mean, lr, secondsPerStep, ...throughput, ...validation });
      if (validation && Object.keys(probes).length > 0) await best.show(learner, validation);
      losses = [];
      meter.restart();
    }
    if (step === levelUpdates(recipe)) await learner.save(levelOf(out));
    if (step % recipe.saveEvery === 0 || isLast) await learner.save(checkpointOf(out));
  }
  if (isStopped()) await learner.save(checkpointOf(out));
  return learner;
}

/** Zero-shot accuracy, and recall of captions, on every set of images, with the averaged weights. */
export async function validate(learner: Learner, probes: RunOptions['probes']): Promise<Validation> {
  const { clip, device } = learner;
  return learner.withAverage(async () => {
    const classes = await textFeatures(
      clip,
      classNames.map((name) => ICON_TEMPLATE.replace('{}', name)),
    );
    const results: Record<string, number> = {};
    for (const [name, list] of Object.entries(probes)) {
      const features = await imageFeatures(clip, list, device);
      results[`zeroShot ${name}`] = zeroShotAccuracy(
        features,
        list.map(({ label }) => label),
        classes,
      );
      const captions = await textFeatures(
        clip,
        list.map(({ caption }) => caption),
      );
      results[`recall@5 ${name}`] = recallAt(5, features, captions);
    }
    return results;
  });
}
