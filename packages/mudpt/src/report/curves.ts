/** Training curves as SVG, without a library, so that reports of Node and of a page are the same. */
import type { MetricsLine } from '../train/metrics-line.ts';
import { COLOURS } from './labels.ts';
import { html, type Markup } from './markup.ts';

type StepLine = Extract<MetricsLine, { kind: 'step' }>;
type EpochLine = Extract<MetricsLine, { kind: 'epoch' }>;
type Point = readonly [x: number, y: number];

interface Curve {
  readonly points: readonly Point[];
  readonly colour: string;
  /** Written at its end. */
  readonly name?: string;
  readonly isThin?: boolean;
  readonly isDashed?: boolean;
}

interface Chart {
  readonly title: string;
  readonly curves: readonly Curve[];
  /** Where y ends; undefined: with the data. */
  readonly top?: number;
  /** Pixels to the right, for names. */
  readonly right: number;
}

const [WIDTH, HEIGHT, LEFT, ABOVE, BELOW] = [560, 260, 46, 24, 34];
/** About so many round numbers for an axis. */
const TICKS = 5;

/** Loss over steps: every logged value, and the mean of each epoch where it ends. Undefined when nothing was logged. */
export function lossCurve(metrics: readonly MetricsLine[], stepsPerEpoch: number): string | undefined {
  const steps = metrics.filter((line): line is StepLine => line.kind === 'step');
  const each = steps.map(({ step, loss }): Point => [step + 1, loss]);
  const means = pointsOf(metrics, stepsPerEpoch, ({ loss }) => loss);
  if (each.length === 0 && means.length === 0) return undefined;
  const curves: Curve[] = [
    { points: each, colour: COLOURS.before, isThin: true },
    { points: means, colour: COLOURS.after },
  ];
  return draw({ title: 'loss', curves, right: 16 }).text;
}

/** Training accuracy by epoch, and those on validation and on new classes where they were measured. Undefined before an epoch has ended. */
export function accuracyCurve(metrics: readonly MetricsLine[], stepsPerEpoch: number): string | undefined {
  const of = (value: (line: EpochLine) => number | undefined): Point[] => pointsOf(metrics, stepsPerEpoch, value);
  const curves: Curve[] = [
    { points: of(({ accuracy }) => accuracy), colour: COLOURS.after, name: 'training' },
    { points: of(({ valAccuracy }) => valAccuracy), colour: COLOURS.extra, name: 'validation' },
    { points: of(({ newAccuracy }) => newAccuracy), colour: COLOURS.other, name: 'new classes', isDashed: true },
  ];
  if (curves[0]?.points.length === 0) return undefined;
  return draw({ title: 'accuracy, %', curves, top: 100, right: 76 }).text;
}

/** A value of every epoch that has it, at the step where the epoch ends. */
function pointsOf(
  metrics: readonly MetricsLine[],
  stepsPerEpoch: number,
  value: (line: EpochLine) => number | undefined,
): Point[] {
  return metrics.flatMap((line): Point[] => {
    const y = line.kind === 'epoch' ? value(line) : undefined;
    return line.kind === 'epoch' && y !== undefined ? [[(line.epoch + 1) * stepsPerEpoch, y]] : [];
  });
}

function draw({ title, curves, top, right }: Chart): Markup {
  const all = curves.flatMap(({ points }) => points).filter(([, y]) => Number.isFinite(y));
  const least = Math.min(0, ...all.map(([, y]) => y));
  const most = top ?? (Math.max(0, ...all.map(([, y]) => y)) || 1);
  const end = Math.max(1, ...all.map(([x]) => x));
  const xOf = (x: number): number => round(LEFT + (x / end) * (WIDTH - LEFT - right));
  const yOf = (y: number): number => round(ABOVE + ((most - y) / (most - least)) * (HEIGHT - ABOVE - BELOW));
  const rows = ticksOf(least, most).map(
    (y) =>
      html`<path d="M${LEFT} ${yOf(y)}H${WIDTH - right}" stroke="#e3e7ea"/><text x="${LEFT - 6}" y="${yOf(y) + 4}" text-anchor="end">${shortNumber(y)}</text>`,
  );
  const columns = ticksOf(0, end)
    .filter(Number.isInteger)
    .map((x) => html`<text x="${xOf(x)}" y="${HEIGHT - BELOW + 17}" text-anchor="middle">${x}</text>`);
  const lines = curves.map(({ points, ...look }) => {
    const placed = points.filter(([, y]) => Number.isFinite(y)).map(([x, y]): Point => [xOf(x), yOf(y)]);
    return curve(placed, look);
  });
  return html`<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title} by step" font-family="system-ui, sans-serif" font-size="12" fill="#222" style="background:white">
${rows}${columns}<text x="4" y="13" fill="#444">${title}</text><text x="${WIDTH - right}" y="${HEIGHT - 3}" text-anchor="end" fill="#444">step</text>${lines}</svg>`;
}

function curve(points: readonly Point[], { colour, name, isThin, isDashed }: Omit<Curve, 'points'>): Markup | undefined {
  const last = points.at(-1);
  if (!last) return undefined;
  const dots = isThin ? [] : points.map(([x, y]) => html`<circle cx="${x}" cy="${y}" r="2.6" fill="${colour}"/>`);
  return html`<polyline points="${points.map((point) => point.join(',')).join(' ')}" fill="none" stroke="${colour}" stroke-width="${isThin ? 1 : 2}"${isDashed && html` stroke-dasharray="4 3"`}/>${dots}${
    name !== undefined && html`<text x="${last[0] + 8}" y="${last[1] + 4}" fill="${colour}">${name}</text>`
  }`;
}

/** Multiples of 1, 2 or 5 times a power of ten. */
function ticksOf(low: number, high: number): number[] {
  const rough = (high - low) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const ticks: number[] = [];
  for (let place = Math.ceil(low / step - 1e-9); place * step <= high + step * 1e-9; place += 1) ticks.push(place * step);
  return ticks;
}

const round = (value: number): number => Math.round(10 * value) / 10;
const shortNumber = (value: number): string => String(Number(value.toPrecision(4)));
