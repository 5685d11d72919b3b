/** Images that belong to no class: how well the certainty of a run, and of the frozen model, tells them from those of its classes. */
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { imagesBelow } from '@mudpt/clip/files';
import { InputError } from '@mudpt/tensor';
import { counted, someOf } from '../../data/dataset.ts';
import type { Dataset, Item } from '../../data/index.ts';
import { datasetNames, openDataset } from '../../datasets/index.ts';
import { type Detection, detectionOf } from '../../evaluation/detection.ts';
import type { ImagePrediction } from '../../evaluation/predictions.ts';
import { canonicalText } from '@mudpt/tensor/internal';
import type { Evaluation, UnknownEvaluation } from '../records/records.ts';

/** The evaluation that the known images come from. */
type UnknownKind = Pick<Evaluation, 'what' | 'data' | 'split' | 'classes' | 'variation'>;

/** Images of no class. */
export interface UnknownImages {
  /** The folder or data set as it was given. */
  readonly name: string;
  readonly items: readonly Item[];
  /** Remarks on them, one sentence each. */
  readonly notes: readonly string[];
}

/**
 * Opens unknown images: all that lie in a folder, at any depth; or the test images of a data set, but for those of classes that are known.
 * @param known the data set whose classes the run tells apart
 * @throws InputError for what is not there, holds no such image, or holds test images of `known`
 */
export async function openUnknown(name: string, known: Dataset, root: string): Promise<UnknownImages> {
  const names = datasetNames();
  const isName = names.includes(name);
  const facts = isName ? undefined : await stat(name).catch(() => undefined);
  if (!isName && !facts)
    throw new InputError(
      'unknown',
      `${name} is neither a path nor the name of a data set`,
      `give a folder of pictures, or one of ${names.join(', ')}`,
    );
  const { items, notes } = facts?.isDirectory() ? await folderItems(name) : await datasetItems(name, known, root);
  if (items.length === 0)
    throw new InputError('unknown', `${name} has no picture that belongs to no class`, 'give pictures of something else');
  const tested = new Set(known.splits.test.flatMap(({ image }) => (typeof image === 'string' ? [resolve(image)] : [])));
  const both = items.filter(({ image }) => typeof image === 'string' && tested.has(resolve(image)));
  if (both.length === 0) return { name, items, notes };
  throw new InputError(
    'unknown',
    `${counted(both.length, 'picture of', 'pictures of')} ${name} ${both.length === 1 ? 'is a test picture' : 'are test pictures'} of ${known.name}: ${someOf(
      both.map(({ id }) => id),
      3,
    )}`,
    'give pictures that belong to none of its classes',
  );
}

async function folderItems(folder: string): Promise<Omit<UnknownImages, 'name'>> {
  const { images } = await imagesBelow(folder);
  return { items: images.map((id) => ({ id: join(folder, id), image: join(folder, id), label: 0 })), notes: [] };
}

async function datasetItems(name: string, known: Dataset, root: string): Promise<Omit<UnknownImages, 'name'>> {
  const { classNames, splits } = await openDataset(name, { root });
  const plain = (text: string): string => text.toLowerCase().replaceAll('_', ' ');
  const taken = new Set(known.classNames.map(plain));
  const common = classNames.filter((one) => taken.has(plain(one)));
  const items = splits.test.filter(({ label }) => !taken.has(plain(classNames[label] ?? '')));
  const notes =
    common.length === 0
      ? []
      : [
          `${counted(common.length, 'class', 'classes')} of ${name} ${common.length === 1 ? 'is' : 'are'} known and left aside: ${someOf(common)}`,
        ];
  return { items: items.map((item) => ({ ...item, id: `${name}: ${item.id}`, label: 0 })), notes };
}

/**
 * Tells known from unknown images by how sure a model is of its likeliest class: its probability, its logit, and, where a temperature was
 * fitted, its probability at that temperature.
 */
function unknownEvaluation(
  kind: UnknownKind,
  unknown: string,
  known: readonly ImagePrediction[],
  others: readonly ImagePrediction[],
  temperature?: number,
): UnknownEvaluation {
  const by = (score: (prediction: ImagePrediction) => number): Detection => detectionOf(known.map(score), others.map(score));
  return {
    ...kind,
    ...{ unknown, known: known.length, count: others.length },
    softmax: by(({ top }) => top[0]?.[1] ?? Number.NaN),
    logit: by(({ logit }) => logit),
    ...(temperature !== undefined && { temperature, scaled: by(({ confidence }) => confidence) }),
    time: new Date().toISOString(),
  };
}

/** Predictions of the frozen model and of the tuned one for the same images. */
export interface BothPredictions {
  readonly zeroShot: readonly ImagePrediction[];
  readonly tuned: readonly ImagePrediction[];
}

/**
 * Each set of unknown images against the known ones.
 * @param predict gives what both models make of a set
 * @throws InputError when no image of a set can be read
 */
export async function measureUnknown(
  sets: readonly UnknownImages[],
  kindOf: (what: Evaluation['what']) => UnknownKind,
  known: BothPredictions,
  temperature: number | undefined,
  predict: (set: UnknownImages) => Promise<BothPredictions>,
): Promise<UnknownEvaluation[]> {
  const made: UnknownEvaluation[] = [];
  for (const set of sets) {
    const { zeroShot, tuned } = await predict(set);
    if (tuned.length === 0)
      throw new InputError('unknown', `no picture of ${set.name} can be read`, 'give pictures that can be opened');
    made.push(unknownEvaluation(kindOf('zero-shot'), set.name, known.zeroShot, zeroShot));
    made.push(unknownEvaluation(kindOf('tuned'), set.name, known.tuned, tuned, temperature));
  }
  return made;
}

/** The evaluations of a summary with new ones, which replace those of the same model, data, classes and unknown images. */
export function withUnknown(
  all: readonly UnknownEvaluation[] | undefined,
  made: readonly UnknownEvaluation[],
): UnknownEvaluation[] {
  const keyOf = ({ what, data, split, classes, variation, unknown }: UnknownEvaluation): string =>
    canonicalText([what, data, split, classes, variation ?? {}, unknown]);
  const keys = new Set(made.map(keyOf));
  return [...(all ?? []).filter((one) => !keys.has(keyOf(one))), ...made];
}
