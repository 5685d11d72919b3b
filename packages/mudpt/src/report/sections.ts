/** What the report says, section by section. */
import { command } from '../command.ts';
import { SEEN_BEFORE } from '../data/doubts.ts';
import { readableName } from '../data/index.ts';
import { classesWithPictures } from '../train/metrics.ts';
import { nameOfEvaluation } from '../train/records.ts';
import type { Evaluation, Prediction, RunConfig, RunSummary } from '../train/index.ts';
import { html, type Markup, trusted } from './markup.ts';
import { data } from './page.ts';
import type { LayerWords } from './words.ts';

/** With a space that does not break. */
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

export function headline(summary: RunSummary, config: RunConfig, before: Evaluation, after: Evaluation): Markup {
  const [from, to] = [before.metrics.accuracy, after.metrics.accuracy];
  const number = (label: string, value: string, isMain = false): Markup =>
    html`<div class="number${isMain ? ' main' : ''}"><b>${value}</b><span class="soft">${label}</span></div>`;
  const shots = config.shots === 'all' ? 'all training pictures' : `${config.shots} pictures a class`;
  return html`<h1>${summary.method.title} on ${summary.data.name}</h1>
<p class="soft">${sentence(summary.method.summary)}; ${shots}, seed ${config.seed}. Base model ${summary.model.name}, frozen. ${summary.method.parameters.toLocaleString('en')} numbers were learnt in ${summary.training.seconds.toFixed(0)} s on ${summary.adapter}.</p>
<div class="numbers">
${number(`zero-shot, ±${uncertainty(before).toFixed(1)}`, percent(from))}
${number(`${nameOfEvaluation('tuned', summary.method.name)}, ±${uncertainty(after).toFixed(1)}`, percent(to), true)}
${number('points gained', points(to - from), true)}
${number(`macro F1 over ${classesWithPictures(after.metrics)} classes, from ${before.metrics.macroF1.toFixed(1)}`, percent(after.metrics.macroF1))}
</div>
<div class="track"><i class="${from > to ? 'lost' : 'after'}" style="width:${Math.max(from, to).toFixed(2)}%"></i><i class="before" style="width:${Math.min(from, to).toFixed(2)}%"></i></div>
<p class="soft">Accuracy on ${after.metrics.count} test pictures${summary.data.warnings.some((text) => text.includes(SEEN_BEFORE)) ? '' : ' that were never trained on'}; ± is the 95 % interval of drawing so many test pictures (normal approximation), not of training anew with other seeds. Chance is ${percent(100 / Math.max(1, summary.data.classes.length))}.</p>
${[...summary.data.warnings, ...summary.data.unreadable.map(({ id, why }) => `${id} was left out: ${why}`)].slice(0, 12).map((text) => html`<p class="note">${text}</p>`)}`;
}

export function curves(loss: string | undefined, accuracy: string | undefined): Markup | undefined {
  if (!loss && !accuracy) return undefined;
  return html`<h2>Training</h2><div class="row">${loss && html`<div>${trusted(loss)}</div>`}${accuracy && html`<div>${trusted(accuracy)}</div>`}</div>`;
}

export function classTable(summary: RunSummary, bars: string, before: Evaluation, after: Evaluation): Markup {
  const rows = summary.data.classes.map(({ name, train, test }, label) => {
    const [from, to] = [before.metrics.perClass[label]?.accuracy ?? 0, after.metrics.perClass[label]?.accuracy ?? 0];
    const change = to - from;
    return html`<tr><td>${readableName(name)}</td><td class="n">${train}</td><td class="n">${test}</td><td class="n">${from.toFixed(1)}</td><td class="n">${to.toFixed(1)}</td><td class="n ${change > 0 ? 'up' : change < 0 ? 'down' : 'soft'}" data-value="${change}">${points(change)}</td><td class="n">${(after.metrics.perClass[label]?.f1 ?? 0).toFixed(1)}</td></tr>`;
  });
  return html`<h2>Classes</h2><div class="row"><div>${trusted(bars)}</div>
<div class="scroll"><table><thead><tr><th>class</th><th class="n">train</th><th class="n">test</th><th class="n">zero-shot</th><th class="n">tuned</th><th class="n">change</th><th class="n">F1</th></tr></thead><tbody>${rows}</tbody></table></div></div>`;
}

export function confusion(
  summary: RunSummary,
  matrix: string,
  predictions: readonly Prediction[],
  pictures: ReadonlyMap<string, string>,
): Markup {
  const cells: Record<string, string[]> = {};
  for (const { id, label, tuned } of predictions) (cells[`${label},${tuned[0]?.[0] ?? 0}`] ??= []).push(id);
  const names = summary.data.classes.map(({ name }) => readableName(name));
  const facts = { size: names.length, cells, names, pictures: Object.fromEntries(pictures) };
  return html`<h2>What is taken for what</h2><p class="soft">Click a cell to see its pictures.</p>
<div class="scroll matrix">${trusted(matrix)}</div><div id="cell"></div>${data('cells', facts)}`;
}

export function topLosses(
  summary: RunSummary,
  predictions: readonly Prediction[],
  pictures: ReadonlyMap<string, string>,
): Markup | undefined {
  const worst = [...predictions].sort((a, b) => b.loss - a.loss).slice(0, 16);
  if (worst.length === 0) return undefined;
  const name = (label: number | undefined): string => readableName(summary.data.classes[label ?? -1]?.name ?? '?');
  const figures = worst.map(({ id, label, tuned, loss }) => {
    const [guess, probability] = tuned[0] ?? [undefined, 0];
    const source = pictures.get(id);
    return html`<figure title="${id}, loss ${loss.toFixed(2)}">${source && html`<img src="${source}" alt="${id}">`}<b>${name(label)}</b><br><span class="soft">${guess === label ? 'recognised' : `taken for ${name(guess)}`}, ${percent(100 * probability)}</span></figure>`;
  });
  return html`<h2>Hardest pictures</h2><p class="soft">Those with the largest loss; bold is the true class.</p><div class="pictures">${figures}</div>`;
}

export function inside(
  diagram: Markup | undefined,
  example: string | undefined,
  words: readonly LayerWords[],
): Markup | undefined {
  if (!diagram) return undefined;
  const rows = words.flatMap(({ layer, name, rows: own }) =>
    own.map(({ row, words: near }) => {
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

export function usage(summary: RunSummary, config: RunConfig, folder: string): Markup {
  const settings = Object.entries({ ...config.settings, ...config.training }).map(
    ([key, value]) => html`<dt>${key}</dt><dd>${JSON.stringify(value)}</dd>`,
  );
  return html`<h2>Use it</h2>
<pre># classify files and folders
${command(`predict ${folder} my-pictures --top 5`)}
# the same prompts on other data
${command(`evaluate ${folder} --data other-pictures`)}</pre>
<p class="soft">What was learnt is in <code>prompts.safetensors</code> and <code>prompts.json</code> beside this file; it belongs to the base model <code>${summary.model.name}</code> (${summary.model.hash.slice(0, 12)}).</p>
<h2>Settings</h2><dl>${settings}</dl>`;
}
