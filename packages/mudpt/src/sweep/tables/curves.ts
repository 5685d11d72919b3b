/** Few-shot curves as SVG: accuracy over shots, a line a method, zero-shot as a level; one chart a data set and one for their average. */
import * as Plot from '@observablehq/plot';
import { svg } from '../../report/plots.ts';
import type { Row, Table } from './table.ts';

/** Colours that stay apart for the colour-blind (Okabe and Ito); more methods than that differ by their dashes too. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#8c564b'];

interface Point {
  readonly method: string;
  readonly shots: number;
  readonly accuracy: number;
  readonly spread: number;
}

/** Charts by column title. @param tables of one protocol, by its number of shots */
export function fewShotCurves(tables: readonly { readonly shots: number | 'all'; readonly table: Table }[]): Map<string, string> {
  const counted = tables.flatMap(({ shots, table }) => (shots === 'all' ? [] : [{ shots, table }]));
  const charts = new Map<string, string>();
  const columns = counted[0]?.table.columns ?? [];
  for (const [column, title] of columns.entries()) {
    const learnt = counted.flatMap(({ shots, table }) => pointsOf(table.rows.filter(isLearnt), column, shots));
    const zeroShot = counted.flatMap(({ shots, table }) => pointsOf(table.rows.filter(isZeroShot), column, shots))[0];
    if (learnt.length > 0) charts.set(title, chart(title, learnt, zeroShot?.accuracy));
  }
  return charts;
}

const isZeroShot = ({ title }: Row): boolean => title === 'zero-shot';
const isLearnt = (row: Row): boolean => row.isRanked && !isZeroShot(row);

function pointsOf(rows: readonly Row[], column: number, shots: number): Point[] {
  return rows.flatMap(({ title, values }) => {
    const value = values[column];
    return value?.mean === undefined ? [] : [{ method: title, shots, accuracy: value.mean, spread: value.spread ?? 0 }];
  });
}

/** The accuracy of zero-shot as a dashed level with its name. */
function levelOf(accuracy: number | undefined): Plot.Markish[] {
  if (accuracy === undefined) return [];
  const label = {
    y: (level: number) => level,
    frameAnchor: 'left',
    text: () => 'zero-shot',
    dx: 4,
    dy: -7,
    textAnchor: 'start',
    fill: '#777777',
  } as const;
  return [Plot.ruleY([accuracy], { stroke: '#999999', strokeDasharray: '4 3' }), Plot.text([accuracy], label)];
}

function chart(title: string, points: readonly Point[], zeroShot: number | undefined): string {
  const methods = [...new Set(points.map(({ method }) => method))];
  const shots = [...new Set(points.map((point) => point.shots))].sort((a, b) => a - b);
  const last = methods.flatMap((method) => points.filter((point) => point.method === method).slice(-1));
  const colour = (method: string): string => COLOURS[methods.indexOf(method) % COLOURS.length] ?? '#000000';
  return svg({
    width: 560,
    height: 320,
    marginLeft: 46,
    marginRight: 120,
    x: {
      label: 'training images per class',
      type: 'log',
      domain: [shots[0] ?? 1, Math.max(shots.at(-1) ?? 1, (shots[0] ?? 1) * 2)],
      ticks: shots,
      tickFormat: String,
    },
    y: { label: `accuracy on ${title}, %`, grid: true },
    marks: [
      ...levelOf(zeroShot),
      Plot.ruleX(
        points.filter(({ spread }) => spread > 0),
        {
          x: 'shots',
          y1: (point: Point) => point.accuracy - point.spread,
          y2: (point: Point) => point.accuracy + point.spread,
          stroke: (point: Point) => colour(point.method),
          strokeOpacity: 0.5,
        },
      ),
      ...methods.map((method, index) =>
        Plot.line(
          points.filter((point) => point.method === method),
          {
            x: 'shots',
            y: 'accuracy',
            stroke: colour(method),
            strokeWidth: 2,
            marker: 'dot',
            ...(index >= COLOURS.length && { strokeDasharray: '6 3' }),
          },
        ),
      ),
      Plot.text(last, {
        x: 'shots',
        y: 'accuracy',
        text: 'method',
        dx: 10,
        textAnchor: 'start',
        fill: (point: Point) => colour(point.method),
      }),
    ],
  });
}
