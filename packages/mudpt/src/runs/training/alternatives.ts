/** Other methods on the same images: accuracies of a linear probe or Tip-Adapter, fitted within seconds, to see whether prompt learning is the right tool. */
import type { Clip } from '@mudpt/clip';
import type { Dataset } from '../../data/index.ts';
import { methodNamed } from '../../methods/index.ts';
import { createMethod } from '../material/prepare.ts';
import type { AlternativeFacts } from '../records/records.ts';
import type { ForwardOptions } from '../../evaluation/forward.ts';
import type { Features } from '../../evaluation/image-features.ts';
import type { FrozenFeatures } from '../material/frozen-features.ts';
import { predictFeatures } from '../../evaluation/predict.ts';
import { type ImagePrediction, metricsOfPredictions } from '../../evaluation/predictions.ts';
import { isClearlyBetter } from '../../evaluation/comparison.ts';

/** Methods that are tried, with settings under which they take seconds. */
const TRIED: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'linear-probe': { searchSteps: 3, maxIterations: 200 },
  'tip-adapter': { cachePasses: 0, betaSteps: 40, alphaSteps: 20 },
};

export interface AlternativesOptions {
  readonly clip: Clip;
  readonly dataset: Dataset;
  readonly seed: number;
  readonly frozen: FrozenFeatures;
  /** Features of the test images, which are at hand. */
  readonly test: Features;
  /** What the run's own method makes of the validation images. */
  readonly validation: readonly ImagePrediction[];
  /** How images go through the tower; `what` and `total` are for progress. */
  readonly forward: (what: string, total: number) => ForwardOptions;
}

/**
 * Fits them to the run's training images and compares them on its validation images with the run's method, image by image.
 * @throws the signal's reason once it is aborted
 */
export async function tryAlternatives(options: AlternativesOptions): Promise<AlternativeFacts[]> {
  const { clip, dataset, seed, frozen, test, validation, forward } = options;
  const { train, val } = dataset.splits;
  const classes = dataset.classNames.length;
  const held: Features[] = [];
  const featuresOf = async (what: string, items: typeof train): Promise<Features> => {
    const made = await frozen(items, forward(what, items.length));
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
        await method.fit({ train: ofTrain, val: ofVal, augmented: [] }, () => forward(name, 0).signal?.throwIfAborted());
        const predict = (of: Features) => predictFeatures(of, classes, (rows) => method.evaluate(rows));
        const onValidation = await predict(ofVal);
        found.push({
          method: name,
          title: definition.title,
          validation: metricsOfPredictions(onValidation, classes).accuracy,
          test: metricsOfPredictions(await predict(test), classes).accuracy,
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
