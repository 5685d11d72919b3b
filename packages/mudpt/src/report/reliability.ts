/** Reliability diagrams: how often a model is right where it is so sure (Guo et al., 2017). */
import * as Plot from '@observablehq/plot';
import type { Calibration } from '../evaluation/reliability.ts';
import { html, type Markup, trusted } from './markup.ts';
import { COLOURS, svg } from './plots.ts';

/** One model's diagram and the error that belongs to it. */
export interface ReliabilityDrawing {
  readonly name: string;
  readonly calibration: Calibration;
  readonly diagram: string;
}

/** Bars are accuracies of bins, from 0 up; the shade between a bar and the mean confidence of its bin is the bin's error. */
export function reliabilityDiagram({ bins }: Calibration, colour: string): string {
  const width = 100 / bins.length;
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  const drawn = bins.flatMap(({ count, confidence, accuracy }, index) =>
    count === 0 ? [] : [{ x1: index * width, x2: (index + 1) * width, confidence, accuracy, share: (100 * count) / total }],
  );
  return svg({
    width: 480,
    height: 340,
    marginLeft: 46,
    marginBottom: 38,
    x: { label: 'confidence, %', domain: [0, 100] },
    y: { label: 'right, %', domain: [0, 100], grid: true },
    marks: [
      Plot.rect(drawn, { x1: 'x1', x2: 'x2', y1: 0, y2: 'accuracy', fill: colour, insetLeft: 0.5, insetRight: 0.5 }),
      Plot.rect(drawn, {
        ...{ x1: 'x1', x2: 'x2', y1: 'accuracy', y2: 'confidence', insetLeft: 0.5, insetRight: 0.5 },
        ...{ fill: COLOURS.extra, fillOpacity: 0.3, stroke: COLOURS.extra, strokeWidth: 0.6 },
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
  return html`<h2>Calibration</h2><p class="soft">Whether a probability means what it says. Bars: how many of the pictures are right, by the probability of the likeliest class; orange: the distance to the mean probability there; the number on top: the share of all pictures in it, in percent. On the dashed line a model is as often right as it says. ECE is the mean of those distances over ${drawings[0]?.calibration.bins.length ?? 0} bins of equal width, adaptive ECE over bins of equally many pictures.</p>
<div class="row">${drawings.map(({ name, calibration: { ece, adaptiveEce }, diagram }) => html`<div><h3>${name}: ECE ${error(ece)}, adaptive ${error(adaptiveEce)}</h3>${trusted(diagram)}</div>`)}</div>`;
}
