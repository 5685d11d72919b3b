/** How sure a model is, and whether it should be: reliability diagrams (Guo et al., 2017), and certainty on unknown images. */
import * as Plot from '@observablehq/plot';
import type { Calibration } from '../evaluation/reliability.ts';
import type { RunConfig, RunSummary } from '../runs/index.ts';
import { isPlain } from '../runs/records/variation.ts';
import { nameOfEvaluation } from '../runs/records/records.ts';
import { html, type Markup, trusted } from './markup.ts';
import { COLOURS } from './labels.ts';
import { svg } from './plots.ts';

/** One model's diagram and the error that belongs to it. */
export interface ReliabilityDrawing {
  readonly name: string;
  readonly calibration: Calibration;
  readonly diagram: string;
}

/** How well certainty tells images of no class from those of the run's own data. */
export function unknownSection(
  { unknown = [], data, method }: RunSummary,
  { classes }: Pick<RunConfig, 'classes'>,
): Markup | undefined {
  const shown = unknown.filter((one) => one.data === data.name && one.classes === classes && isPlain(one.variation));
  if (shown.length === 0) return undefined;
  const number = (value: number): Markup => html`<td class="n">${value.toFixed(1)}</td>`;
  const rows = shown.map(
    ({ what, unknown: name, count, softmax, logit }) =>
      html`<tr><td>${name}</td><td class="n">${count}</td><td>${nameOfEvaluation(what, method.name)}</td>${[softmax.auroc, softmax.fpr95, logit.auroc, logit.fpr95].map(number)}</tr>`,
  );
  return html`<h2>Unknown pictures</h2><p class="soft">How well pictures that belong to no class are told from the test pictures by how sure a model is: the area under the ROC curve (50 % is guessing), and how many of them still pass where 95 % of the test pictures do.</p>
<div class="scroll"><table><thead><tr><th>pictures</th><th class="n">count</th><th></th><th class="n">AUROC, softmax</th><th class="n">FPR95, softmax</th><th class="n">AUROC, logit</th><th class="n">FPR95, logit</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

/** Bars are accuracies of bins, from 0 up; the outlined part between accuracy and mean confidence of a bin is its error. */
export function reliabilityDiagram({ bins }: Calibration, colour: string): string {
  const width = 100 / bins.length;
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  const drawn = bins.flatMap(({ count, confidence, accuracy }, index) =>
    count === 0
      ? []
      : [
          {
            x1: index * width,
            x2: (index + 1) * width,
            confidence,
            accuracy,
            share: (100 * count) / total,
            common: Math.min(confidence, accuracy),
          },
        ],
  );
  return svg({
    width: 480,
    height: 340,
    marginLeft: 46,
    marginBottom: 38,
    x: { label: 'confidence, %', domain: [0, 100] },
    y: { label: 'right, %', domain: [0, 100], grid: true },
    marks: [
      Plot.rect(drawn, { x1: 'x1', x2: 'x2', y1: 0, y2: 'common', fill: colour, insetLeft: 0.5, insetRight: 0.5 }),
      Plot.rect(drawn, {
        ...{ x1: 'x1', x2: 'x2', y1: 'accuracy', y2: 'confidence', insetLeft: 0.5, insetRight: 0.5 },
        // Orange above the bar: too sure; pale within it: not sure enough.
        fill: ({ accuracy, confidence }: (typeof drawn)[number]) => (confidence > accuracy ? '#f6d3bd' : '#dfe7ec'),
        ...{ stroke: COLOURS.extra, strokeWidth: 0.8 },
      }),
      Plot.line(
        [
          [0, 0],
          [100, 100],
        ],
        { stroke: '#444', strokeDasharray: '4 3' },
      ),
      Plot.text(drawn, {
        x: ({ x1, x2 }: (typeof drawn)[number]) => (x1 + x2) / 2,
        y: ({ accuracy, confidence }: (typeof drawn)[number]) => Math.max(accuracy, confidence),
        text: ({ share }: (typeof drawn)[number]) => (share < 0.5 ? '<1' : share.toFixed(0)),
        ...{ dy: -7, fontSize: 9, fill: '#555' },
      }),
    ],
  });
}

export function reliabilitySection(drawings: readonly ReliabilityDrawing[]): Markup | undefined {
  if (drawings.length === 0) return undefined;
  const error = (value: number): string => `${value.toFixed(1)}\u00a0%`;
  return html`<h2>Calibration</h2><p class="soft">Whether a probability means what it says. Bars: how many of the pictures are right, by the probability of the likeliest class; outlined: the distance to the mean probability there, orange where the model is too sure, pale where it is not sure enough; the number on top: the share of all pictures in it, in percent. On the dashed line a model is as often right as it says. ECE is the mean of those distances over ${drawings[0]?.calibration.bins.length ?? 0} bins of equal width, adaptive ECE over bins of equally many pictures.</p>
<div class="row">${drawings.map(({ name, calibration: { ece, adaptiveEce }, diagram }) => html`<div><h3>${name}: ECE ${error(ece)}, adaptive ${error(adaptiveEce)}</h3>${trusted(diagram)}</div>`)}</div>`;
}
