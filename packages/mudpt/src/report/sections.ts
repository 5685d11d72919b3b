/** The sections of the report. */
import { nth } from '@mudpt/tensor/internal';
import { readableName } from '../data/class-names.ts';
import { SEEN_BEFORE } from '../data/dataset.ts';
import type { Confusion } from '../evaluation/confusion.ts';
import { classesWithImages } from '../evaluation/metrics.ts';
import { nameOfEvaluation } from '../runs/records/records.ts';
import type { Evaluation, Prediction, RunConfig, RunSummary } from '../runs/index.ts';
import { html, type Markup, trusted } from './markup.ts';
import { data } from './page.ts';
import type { LayerWords } from './words.ts';

/** Percent, with a space that does not break. */
const percent = (value: number): string => `${value.toFixed(1)}\u00a0%`;

function points(value: number): string {
  const text = Math.abs(value).toFixed(1);
  if (Number(text) === 0) return text;
  return `${value > 0 ? '+' : '−'}${text}`;
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Half the width of the 95 % interval of an accuracy in percent (normal approximation of the binomial). */
function uncertainty({ metrics: { accuracy, count } }: Evaluation): number {
  const share = accuracy / 100;
  return count > 0 ? 196 * Math.sqrt((share * (1 - share)) / count) : 0;
}

/** The first section: accuracy before and after, and what was learnt. */
export function headline(
  summary: RunSummary,
  config: Pick<RunConfig, 'shots' | 'seed' | 'imported'>,
  before: Evaluation,
  after: Evaluation,
): Markup {
  const [from, to] = [before.metrics.accuracy, after.metrics.accuracy];
  const number = (label: string, value: string, { isMain = false } = {}): Markup =>
    html`<div class="number${isMain ? ' main' : ''}"><b>${value}</b><span class="soft">${label}</span></div>`;
  const shots = config.shots === 'all' ? 'all training pictures' : `${config.shots} pictures a class`;
  return html`<h1>${summary.method.title} on ${summary.data.name}</h1>
<p class="soft">${sentence(summary.method.summary)}; ${shots}, seed ${config.seed}. Base model ${summary.model.name}, frozen. ${summary.method.parameters.toLocaleString('en')} numbers were ${config.imported ? html`read from <code>${config.imported.file}</code>, evaluated` : `learnt in ${summary.training.seconds.toFixed(0)} s`} on ${summary.adapter}.</p>
<div class="numbers">
${number(`zero-shot, ±${uncertainty(before).toFixed(1)}`, percent(from))}
${number(`${nameOfEvaluation('tuned', summary.method.name)}, ±${uncertainty(after).toFixed(1)}`, percent(to), { isMain: true })}
${number('points gained', points(to - from), { isMain: true })}
${number(`macro F1 over ${classesWithImages(after.metrics)} classes, from ${before.metrics.macroF1.toFixed(1)}`, percent(after.metrics.macroF1))}
</div>
<div class="track"><i class="${from > to ? 'lost' : 'after'}" style="width:${Math.max(from, to).toFixed(2)}%"></i><i class="before" style="width:${Math.min(from, to).toFixed(2)}%"></i></div>
<p class="soft">Accuracy on ${after.metrics.count} test pictures${summary.data.warnings.some((text) => text.includes(SEEN_BEFORE)) ? '' : ' that were never trained on'}; ± is the 95 % interval of drawing so many test pictures (normal approximation), not of training anew with other seeds.${after.metrics.balancedAccuracy !== undefined && html` Balanced accuracy, in which every class counts the same, is ${percent(after.metrics.balancedAccuracy)}.`} Chance is ${percent(100 / Math.max(1, summary.data.classes.length))}.</p>
${[...summary.data.warnings, ...summary.data.unreadable.map(({ id, why }) => `${id} was left out: ${why}`)].slice(0, 12).map((text) => html`<p class="note">${text}</p>`)}`;
}

/** Accuracies of other methods on the same images. */
export function alternatives({ alternatives: all = [], validation, method }: RunSummary, after: Evaluation): Markup | undefined {
  if (all.length === 0 || validation === undefined) return undefined;
  const better = all.filter(({ isClearlyBetter }) => isClearlyBetter);
  const rows = all.map(
    (one) =>
      html`<tr><td>${one.title}</td><td class="n">${one.validation.toFixed(1)}</td><td class="n">${one.test.toFixed(1)}</td></tr>`,
  );
  return html`<h2>Fitted to the same pictures</h2>
${better.length > 0 && html`<p class="note">${better.map(({ title }) => title).join(' and ')} ${better.length > 1 ? 'are' : 'is'} clearly better here than ${method.title}: on validation by more than two standard deviations.</p>`}
<div class="scroll"><table><thead><tr><th>method</th><th class="n">validation, %</th><th class="n">test, %</th></tr></thead><tbody><tr><td>${method.title}</td><td class="n">${validation.toFixed(1)}</td><td class="n">${after.metrics.accuracy.toFixed(1)}</td></tr>${rows}</tbody></table></div>`;
}

/** The section with the curves of training. */
export function curves(
  loss: string | undefined,
  accuracy: string | undefined,
  { best }: RunSummary['training'],
  { newEachEpoch }: Pick<RunConfig, 'newEachEpoch'>,
): Markup | undefined {
  if (!loss && !accuracy) return undefined;
  return html`<h2>Training</h2>${best && html`<p class="soft">The run ended with epoch ${best.epoch + 1}, the best on validation (${percent(best.accuracy)}).</p>`}${
    newEachEpoch &&
    html`<p class="soft">The accuracy on new classes is of test pictures and stands here to be looked at: nothing was chosen by it.</p>`
  }<div class="row">${loss && html`<div>${trusted(loss)}</div>`}${accuracy && html`<div>${trusted(accuracy)}</div>`}</div>`;
}

/** Charts of classes: every one of few; of many how accuracies are spread, and those at either end. */
export type ClassCharts =
  | { readonly all: string }
  | { readonly histogram: string; readonly least: string; readonly greatest: string };

/** The section with accuracy by class. */
export function classTable(summary: RunSummary, charts: ClassCharts, before: Evaluation, after: Evaluation): Markup {
  const rows = summary.data.classes.map(({ name, train, test }, label) => {
    const [from, to] = [before, after].map(({ metrics }) => nth(metrics.perClass, label).accuracy) as [number, number];
    const change = to - from;
    return html`<tr><td>${readableName(name)}</td><td class="n">${train}</td><td class="n">${test}</td><td class="n">${from.toFixed(1)}</td><td class="n">${to.toFixed(1)}</td><td class="n ${change > 0 ? 'up' : change < 0 ? 'down' : 'soft'}" data-value="${change}">${points(change)}</td><td class="n">${nth(after.metrics.perClass, label).f1.toFixed(1)}</td></tr>`;
  });
  const head = html`<thead><tr><th>class</th><th class="n">train</th><th class="n">test</th><th class="n">zero-shot</th><th class="n">${nameOfEvaluation('tuned', summary.method.name)}</th><th class="n">change</th><th class="n">F1</th></tr></thead>`;
  const isShort = 'all' in charts;
  const table = html`<div class="scroll${isShort ? '' : ' long'}"><table class="classes">${head}<tbody>${rows}</tbody></table></div>`;
  if (isShort) return html`<h2>Classes</h2><div class="row classes-beside"><div>${trusted(charts.all)}</div>${table}</div>`;
  // Sorted by a column with a click anywhere; with many classes by words, too.
  const tools = html`<p class="tools"><input type="search" placeholder="find a class" aria-label="find a class"> <button data-column="4" data-down="no">worst first</button> <button data-column="5" data-down="no">most lost first</button> <button data-column="5" data-down="yes">most gained first</button> <button data-column="0" data-down="no">by name</button> <span class="soft"></span></p>`;
  return html`<h2>Classes</h2><p class="soft">How many of the ${rows.length} classes have which accuracy.</p><div>${trusted(charts.histogram)}</div>
<div class="row"><div><h3>Least accurate</h3>${trusted(charts.least)}</div><div><h3>Most accurate</h3>${trusted(charts.greatest)}</div></div>
<h3>All classes</h3>${tools}${table}`;
}

/** The matrix as SVG for few classes, as the data URI of an image for many. */
export type MatrixDrawing = { readonly svg: string } | { readonly image: string };

/** Confusions and predictions of the tuned model. */
export interface ConfusedRun {
  readonly summary: RunSummary;
  readonly confusion: Confusion;
  readonly predictions: readonly Prediction[];
}

/** The section with confusions. @param pairs the table of confused pairs */
export function confusionSection(
  { summary, confusion, predictions }: ConfusedRun,
  drawing: MatrixDrawing,
  pairs: Markup | undefined,
  thumbnails: ReadonlyMap<string, string>,
): Markup {
  const cells: Record<string, string[]> = {};
  for (const { id, label, tuned } of predictions) if (thumbnails.has(id)) (cells[`${label},${nth(tuned, 0)[0]}`] ??= []).push(id);
  const names = summary.data.classes.map(({ name }) => readableName(name));
  const facts = { size: names.length, cells, names, counts: countsOf(confusion), thumbnails: Object.fromEntries(thumbnails) };
  return html`<h2>What is taken for what</h2>${
    'svg' in drawing
      ? html`<p class="soft">Click a cell to see its pictures.</p>
<div class="scroll matrix">${trusted(drawing.svg)}</div>`
      : html`<p class="soft">Each row is a true class, each column a prediction, from the first class to the last; the darker, the larger the part of the row (square root). Click a point to read its classes.</p>
<img class="raster" src="${drawing.image}" alt="confusion matrix of ${names.length} classes">`
  }<div id="cell"></div>${pairs}${data('cells', facts)}`;
}

/** The cells as one list of numbers: distance from the cell before, count, and so on. */
function countsOf({ classes, cells }: Confusion): number[] {
  let last = 0;
  return cells.flatMap(({ truth, prediction, count }) => {
    const place = truth * classes + prediction;
    const step = place - last;
    last = place;
    return [step, count];
  });
}

/** The section with what the prompts are like. */
export function inside(
  diagram: Markup | undefined,
  example: string | undefined,
  words: readonly LayerWords[],
): Markup | undefined {
  if (!diagram) return undefined;
  const rows = words.flatMap(({ layer, name, rows: learnt }) =>
    learnt.map(({ row, words: near }) => {
      const told = near.map(({ word, distance }) => `${word} (${distance.toFixed(2)})`).join(', ');
      return html`<tr><td class="n">${layer}</td><td>${name.startsWith('class') ? name : ''}</td><td class="n">${row + 1}</td><td>${told}</td></tr>`;
    }),
  );
  return html`<h2>Where prompts enter</h2><div class="scroll">${diagram}</div>
${example !== undefined && html`<p>The first class as the text tower reads it: <code>${example}</code></p>`}
${
  rows.length > 0 &&
  html`<h2>Nearest words</h2><p class="soft">Tokens whose embeddings lie nearest to each learnt text prompt (Euclidean distance). They seldom make sense: prompts are points between words.</p>
<div class="scroll"><table><thead><tr><th class="n">layer</th><th></th><th class="n">row</th><th>nearest tokens</th></tr></thead><tbody>${rows}</tbody></table></div>`
}`;
}
