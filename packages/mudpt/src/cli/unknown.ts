/** What `evaluate --unknown` prints: how well certainty tells images of no class from those of the classes. */
import { command, pathFromHere } from '../command.ts';
import { methodNamed } from '../methods/index.ts';
import { nameOfEvaluation, type UnknownEvaluation } from '../runs/records/records.ts';
import { isPlain, ofFrozenModel } from '../runs/records/variation.ts';
import { percent, table } from '../terminal/text.ts';

/** Scores by what they are called. */
const SCORES = {
  softmax: 'maximum softmax probability',
  logit: 'maximum logit',
  cosine: 'maximum cosine logit',
  scaled: 'maximum softmax probability as predict has it',
} as const;

/** What a run learnt, and its classes, which `predict` tells apart. */
export type RunOfUnknown = Pick<UnknownEvaluation, 'data' | 'classes'> & { readonly method: string; readonly path: string };

/** A table for each set of unknown images, and the threshold for `predict` that keeps 95 % of the known ones, where `predict` can do the same. */
export function unknownText(evaluations: readonly UnknownEvaluation[], run: RunOfUnknown): string[] {
  return [...new Set(evaluations.map(({ unknown }) => unknown))].flatMap((name) => {
    const ofSet = evaluations.filter(({ unknown }) => unknown === name);
    const [{ known = 0, count = 0 } = {}] = ofSet;
    return [
      '',
      `${name}: ${count} unknown pictures against ${known} known ones`,
      ...table([['', 'score', 'AUROC', 'FPR at 95 % TPR'], ...ofSet.flatMap((one) => rowsOf(one, run.method))], {
        right: [2, 3],
      }),
      ...ofSet.filter((one) => isPredicted(one, run)).map((one) => advice(one, run)),
    ];
  });
}

function rowsOf(evaluation: UnknownEvaluation, method: string): string[][] {
  return (['softmax', 'logit', 'scaled'] as const).flatMap((score) => {
    const measured = evaluation[score];
    if (!measured) return [];
    const temperature = score === 'scaled' ? ` (temperature ${evaluation.temperature?.toFixed(2)})` : '';
    const name = nameOfEvaluation(evaluation.what, method);
    const title = SCORES[score === 'logit' && isCosine(evaluation, method) ? 'cosine' : score];
    return [[name, title + temperature, percent(measured.auroc), percent(measured.fpr95)]];
  });
}

/** Logits of the frozen model and of learnt prompts are cosines times a scale; those of fitted methods have more in them. */
function isCosine({ what }: UnknownEvaluation, method: string): boolean {
  return what === 'zero-shot' || method === 'zero-shot' || methodNamed(method).training !== undefined;
}

/** `predict` has the run's classes and texts, and no others. */
function isPredicted({ what, data, classes, variation = {} }: UnknownEvaluation, run: RunOfUnknown): boolean {
  return what === 'tuned' && data === run.data && classes === run.classes && isPlain(ofFrozenModel(variation));
}

/** In the probabilities that `predict` compares with its threshold; rounded down, so that no known image is lost by the digits. */
function advice({ scaled, softmax, variation }: UnknownEvaluation, { path }: RunOfUnknown): string {
  const { threshold, fpr95 } = scaled ?? softmax;
  const told = (Math.floor(threshold * 1e4) / 1e4).toFixed(4);
  const epoch = variation?.epoch === undefined ? '' : ` --load-epoch ${variation.epoch}`;
  return `${command(`predict ${pathFromHere(path)} PICTURES${epoch} --threshold ${told}`)} says "unsure" of ${percent(100 - fpr95)} of the unknown pictures, and of 5 % of the known ones at most`;
}
