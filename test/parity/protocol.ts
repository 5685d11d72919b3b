/** Goldens of the training protocol, as JSON: learning rates, aggregation weights, few-shot selections. No device is needed. */
import { readFile } from 'node:fs/promises';
import { aggregationWeights, type Dataset, fewShot, type Item, methodNamed, scheduleOf } from 'mudpt';
import type { Comparison } from './compare.ts';
import type { CaseResult, FileResult } from './report.ts';

/** Numbers of one formula in double precision differ by their last bits, no more. */
const ROUNDING = 1e-14;

type Json = Readonly<Record<string, unknown>>;

/** What a golden of the protocol holds, by its keys. */
const KINDS: readonly { readonly key: string; readonly run: (entry: never, name: string) => CaseResult }[] = [
  { key: 'schedules', run: schedule },
  { key: 'weights', run: weights },
  { key: 'cases', run: sampling },
];

/** Runs a file of schedules, weights or selections. @throws Error when it is none of them */
export async function runProtocolFile(path: string): Promise<FileResult> {
  const file = JSON.parse(await readFile(path, 'utf8')) as Json;
  const kind = KINDS.find(({ key }) => typeof file[key] === 'object' && file[key] !== null);
  if (!kind) throw new Error(`the file has none of "${KINDS.map(({ key }) => key).join('", "')}"`);
  const cases = Object.entries(file[kind.key] as Json).map(([name, entry]) => kind.run(entry as never, name));
  return { path, cases };
}

type Schedule = {
  readonly base_lr: number;
  readonly epochs?: number;
  readonly total_steps?: number;
  readonly steps_per_epoch?: number;
  readonly lr_per_epoch?: readonly number[];
  readonly lr_per_step: readonly number[];
};

/** With `epochs`: one warm-up epoch, then one rate an epoch. With `total_steps`: half a cosine by step. */
function schedule(entry: Schedule, name: string): CaseResult {
  const { base_lr: lr, epochs, total_steps: total, steps_per_epoch: steps = 1 } = entry;
  const settings = methodNamed('mudpt').training?.parse(
    epochs === undefined ? { lr, epochs: total, schedule: 'cosine-per-step', warmupEpochs: 0 } : { lr, epochs },
  );
  if (!settings) throw new Error('there is no trained method');
  const rate = scheduleOf(settings);
  const perStep = entry.lr_per_step.map((_, at) => rate({ epoch: Math.floor(at / steps), step: at % steps, steps }));
  const perEpoch = entry.lr_per_epoch?.map((_, epoch) => rate({ epoch, step: 0, steps }));
  return {
    name,
    tensors: [
      ...(entry.lr_per_epoch ? [close('lr_per_epoch', perEpoch ?? [], entry.lr_per_epoch)] : []),
      close('lr_per_step', perStep, entry.lr_per_step),
    ],
  };
}

/** Named by epochs, mean and deviation: `20_15_1`. */
function weights(expected: readonly number[], name: string): CaseResult {
  const [epochs = 0, mean = 0, deviation = 0] = name.split('_').map(Number);
  return { name, tensors: [close('weights', aggregationWeights(epochs, mean, deviation), expected)] };
}

type Selection = {
  readonly seed: number;
  readonly shots: number;
  readonly train_counts: readonly number[];
  readonly val_counts: readonly number[];
  readonly train: readonly (readonly number[])[];
  readonly val: readonly (readonly number[])[];
};

function sampling({ seed, shots, train_counts, val_counts, train, val }: Selection): CaseResult {
  const items = (counts: readonly number[]): Item[] =>
    counts.flatMap((count, label) => Array.from({ length: count }, (_, at) => ({ id: `${label}/${at}`, image: '', label })));
  const whole: Dataset = {
    name: 'golden',
    classNames: train_counts.map(String),
    template: '{}',
    splits: { train: items(train_counts), val: items(val_counts), test: [] },
    warnings: [],
  };
  const { splits } = fewShot(whole, shots, seed);
  const picked = (chosen: readonly Item[], counts: readonly number[]): number[][] =>
    counts.map((_, label) => chosen.filter((item) => item.label === label).map(({ id }) => Number(id.split('/')[1])));
  return {
    name: `seed ${seed}, ${shots} shots`,
    tensors: [same('train', picked(splits.train, train_counts), train), same('val', picked(splits.val, val_counts), val)],
  };
}

/** Relative error in the 2-norm. */
function close(tensor: string, actual: readonly number[], expected: readonly number[]): Comparison {
  const norm = Math.hypot(...expected);
  const error = Math.hypot(...expected.map((value, at) => value - (actual[at] ?? Number.NaN))) / (norm || 1);
  const passed = actual.length === expected.length && error <= ROUNDING;
  return { tensor, error, passed, note: passed ? undefined : `gave [${actual.join(', ')}]` };
}

function same(tensor: string, actual: readonly (readonly number[])[], expected: readonly (readonly number[])[]): Comparison {
  const passed = JSON.stringify(actual) === JSON.stringify(expected);
  return { tensor, error: passed ? 0 : 1, passed, note: passed ? undefined : `picked ${JSON.stringify(actual)}` };
}
