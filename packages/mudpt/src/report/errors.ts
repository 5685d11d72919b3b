/** Errors of a model: confused pairs of classes, images with the largest loss, labels that look wrong. */
import { nth } from '@mudpt/tensor/internal';
import { readableName } from '../data/class-names.ts';
import { type Confusion, marginsOf } from '../evaluation/confusion.ts';
import type { Prediction, RunSummary } from '../runs/index.ts';
import { html, type Markup } from './markup.ts';
import { MOST_CLASSES } from './labels.ts';

/** Thumbnails by id, as data URIs. */
export type Thumbnails = ReadonlyMap<string, string>;

const [FEW_PAIRS, MOST_PAIRS] = [10, 30];
const MOST_IMAGES = 16;
const MOST_LABELS = 24;
/** From this probability on a wrong prediction suggests that the label is wrong. */
const SURE = 0.9;

const percent = (value: number): string => `${value.toFixed(1)}\u00a0%`;

/** A class and what it is taken for. */
export interface Pair {
  readonly truth: number;
  readonly guess: number;
  readonly count: number;
  /** Part of the images of the true class, 0 to 1. */
  readonly share: number;
}

/** The pairs with most images, of equal ones those with the larger share. */
export function confusedPairs(confusion: Confusion, most = MOST_PAIRS): Pair[] {
  const { labelled } = marginsOf(confusion);
  return confusion.cells
    .filter(({ truth, prediction }) => truth !== prediction)
    .map(({ truth, prediction, count }) => ({ truth, guess: prediction, count, share: count / nth(labelled, truth) }))
    .sort((a, b) => b.count - a.count || b.share - a.share)
    .slice(0, most);
}

/** How many pairs the table shows: few where the matrix is drawn in full as well. */
export function pairsShown({ classes }: Confusion): number {
  return classes > MOST_CLASSES ? MOST_PAIRS : FEW_PAIRS;
}

/**
 * Predictions whose label may be wrong: the tuned model is sure of another class, and the frozen model, which never saw the labels,
 * agrees. The surest first.
 */
export function doubtfulLabels(predictions: readonly Prediction[], most = MOST_LABELS): Prediction[] {
  const probability = ({ tuned }: Prediction): number => nth(tuned, 0)[1];
  return predictions
    .filter((one) => {
      const guess = one.tuned[0]?.[0];
      return guess !== one.label && guess === one.zeroShot[0]?.[0] && probability(one) >= SURE;
    })
    .sort((a, b) => probability(b) - probability(a))
    .slice(0, most);
}

/** The predictions with the largest loss. */
export function hardest(predictions: readonly Prediction[], most = MOST_IMAGES): Prediction[] {
  return [...predictions].sort((a, b) => b.loss - a.loss).slice(0, most);
}

function nameIn({ data }: RunSummary): (label: number | undefined) => string {
  return (label) => readableName(data.classes[label ?? -1]?.name ?? '?');
}

/** A table of the pairs; a click shows their images where the page has them. */
export function pairsTable(summary: RunSummary, confusion: Confusion): Markup | undefined {
  const pairs = confusedPairs(confusion, pairsShown(confusion));
  if (pairs.length === 0) return undefined;
  const name = nameIn(summary);
  const rows = pairs.map(
    ({ truth, guess, count, share }) =>
      html`<tr class="pair" data-cell="${truth * summary.data.classes.length + guess}"><td>${name(truth)}</td><td>${name(guess)}</td><td class="n">${count}</td><td class="n" data-value="${share}">${percent(100 * share)}</td></tr>`,
  );
  return html`<h3>Most confused pairs</h3><p class="soft">Click a row to see its pictures.</p>
<div class="scroll"><table><thead><tr><th>class</th><th>taken for</th><th class="n">pictures</th><th class="n">of the class</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

/** Images with the largest loss, each beside a training image of its class and of the one it was taken for. */
export function hardestImages(
  summary: RunSummary,
  predictions: readonly Prediction[],
  thumbnails: Thumbnails,
  examples: ReadonlyMap<number, string>,
): Markup | undefined {
  const worst = hardest(predictions);
  if (worst.length === 0) return undefined;
  return html`<h2>Hardest pictures</h2><p class="soft">Those with the largest loss; bold is the true class. The small ones are training pictures of the true class and of the one it was taken for.</p><div class="pictures">${worst.map((one) => figure(one, summary, thumbnails, examples))}</div>`;
}

/** Images whose label may be wrong. */
export function labelsToCheck(
  summary: RunSummary,
  predictions: readonly Prediction[],
  thumbnails: Thumbnails,
  examples: ReadonlyMap<number, string>,
): Markup | undefined {
  const doubtful = doubtfulLabels(predictions);
  if (doubtful.length === 0) return undefined;
  return html`<h2>Labels to check</h2><p class="soft">Both the frozen and the tuned model say another class, and the tuned one is at least ${percent(100 * SURE)} sure.</p><div class="pictures">${doubtful.map((one) => figure(one, summary, thumbnails, examples))}</div>`;
}

function figure(
  { id, label, tuned, loss }: Prediction,
  summary: RunSummary,
  thumbnails: Thumbnails,
  examples: ReadonlyMap<number, string>,
): Markup {
  const name = nameIn(summary);
  const [guess, probability] = tuned[0] ?? [undefined, 0];
  const source = thumbnails.get(id);
  const beside = [...new Set([label, ...(guess === undefined ? [] : [guess])])].flatMap((shown) => {
    const example = examples.get(shown);
    const title = `training picture of ${name(shown)}`;
    return example === undefined ? [] : [html`<img class="example" src="${example}" alt="${title}" title="${title}">`];
  });
  return html`<figure title="${id}, loss ${loss.toFixed(2)}">${source && html`<img src="${source}" alt="${id}">`}${beside}<br><b>${name(label)}</b><br><span class="soft">${guess === label ? 'recognised' : `taken for ${name(guess)}`}, ${percent(100 * probability)}</span></figure>`;
}
