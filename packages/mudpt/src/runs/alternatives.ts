/** Whether prompt learning is the right tool: what fitting a linear probe or Tip-Adapter to the same images reaches, in seconds. */
import type { Clip } from '@mudpt/clip';
import type { BatchLoader, Dataset } from '../data/index.ts';
import { methodNamed } from '../methods/index.ts';
import { createMethod } from './prepare.ts';
import type { AlternativeFacts } from './records.ts';
import {
  type Features,
  imageFeatures,
  metricsOfScores,
  type Score,
  scoreLogits,
  type ScoringOptions,
} from '../evaluation/scoring.ts';

/** Methods that are tried, with settings under which they take seconds. */
const TRIED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'linear-probe': { searchSteps: 3, maxIterations: 200 },
  'tip-adapter': { cachePasses: 0, betaSteps: 40, alphaSteps: 20 },
};

export interface AlternativesOptions {
  readonly clip: Clip;
  readonly dataset: Dataset;
  readonly seed: number;
  readonly loader: BatchLoader;
  /** Features of the test images, which are at hand. */
  readonly test: Features;
  /** What the run's own method makes of the validation images. */
  readonly validation: readonly Score[];
  /** How images go through the tower; `what` and `total` are for progress. */
  readonly scoring: (what: string, total: number) => ScoringOptions;
}

/**
 * Fits them to the run's training images and compares them on its validation images with the run's method, image by image.
 * @throws the signal's reason once it is aborted
 */
export async function tryAlternatives(options: AlternativesOptions): Promise<AlternativeFacts[]> {
  const { clip, dataset, seed, loader, test, validation, scoring } = options;
  const { train, val } = dataset.splits;
  const classes = dataset.classNames.length;
  const held: Features[] = [];
  const featuresOf = async (what: string, items: typeof train): Promise<Features> => {
    const made = await imageFeatures(clip, loader, items, scoring(what, items.length));
    held.push(made);
    return made;
  };
  try {
    const ofTrain = await featuresOf('training features', train);
    const ofVal = await featuresOf('validation features', val);
    const found: AlternativeFacts[] = [];
    for (const [name, changed] of Object.entries(TRIED)) {
      const definition = methodNamed(name);
      const settings = definition.settings.parse(changed) as Record<string, unknown>;
      const method = await createMethod(clip, { method: name, settings, seed }, dataset);
      try {
        if (method.kind !== 'features') throw new TypeError(`${name} is no method on features`);
        await method.fit({ train: ofTrain, val: ofVal, augmented: [] }, () => scoring(name, 0).signal?.throwIfAborted());
        const scores = (of: Features) => scoreLogits(of, classes, (rows) => method.evaluate(rows));
        const onValidation = await scores(ofVal);
        found.push({
          method: name,
          title: definition.title,
          validation: metricsOfScores(onValidation, classes).accuracy,
          test: metricsOfScores(await scores(test), classes).accuracy,
          count: onValidation.length,
          isClearlyBetter: isClearlyBetter(onValidation, validation),
        });
      } finally {
        method.dispose();
      }
    }
    return found;
  } finally {
    for (const { features } of held) features.dispose();
  }
}

const isRight = ({ item, top }: Score): boolean => top[0]?.[0] === item.label;

/**
 * McNemar's comparison of two methods on the same images: of those that only one of them gets right, `one` has more by over two standard
 * deviations of chance.
 */
export function isClearlyBetter(one: readonly Score[], other: readonly Score[]): boolean {
  const others = new Map(other.map((score) => [score.item.id, isRight(score)]));
  let [won, lost] = [0, 0];
  for (const score of one) {
    const before = others.get(score.item.id);
    if (before === undefined || before === isRight(score)) continue;
    if (before) lost += 1;
    else won += 1;
  }
  return won - lost > 2 * Math.sqrt(won + lost);
}
