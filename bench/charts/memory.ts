/** What a training step takes against everything it grows with. */
import * as Plot from '@observablehq/plot';
import type { Results, StoredRow } from '../results.ts';
import { type Axis, KEPT, PARTS, RECOMPUTING } from '../suites/memory.ts';
import { PLAIN } from '../suites/ours.ts';
import { provenance } from './provenance.ts';
import { type Chart, chart, COLOURS, heading, INK, MUTED, type Piece, sheet } from './svg.ts';

const AXES: readonly (readonly [axis: Axis, label: string])[] = [
  ['C', 'classes C'],
  ['B', 'images B'],
  ['T', 'image tokens T'],
  ['n', 'prompts per layer n'],
  ['L', 'prompted layers L'],
];
const WAYS: readonly (readonly [engine: string, colour: string])[] = [
  [KEPT, COLOURS[0]],
  [RECOMPUTING, COLOURS[1]],
  [PARTS, COLOURS[2]],
];
const GIB = 2 ** 30;
const GIBIBYTES = [0.5, 1, 2, 4, 8, 16];
const WIDTH = 1000;

const gibibytes = (row: StoredRow): number => Number(row.extra?.['device bytes']) / GIB;

/** Rows of one curve: `x` is the axis' value. */
function curve(rows: readonly StoredRow[], model: string, axis: Axis) {
  return rows
    .filter(({ extra }) => extra?.['model'] === model && extra['axis'] === axis)
    .map((row) => ({ row, engine: row.engine, x: Number(row.extra?.['value']) }))
    .sort((a, b) => a.x - b.x);
}

/** A small chart of lines, one for each way. */
function panel(
  points: readonly { readonly engine: string; readonly x: number; readonly y: number }[],
  {
    label,
    most,
    isLog,
    format,
  }: { readonly label: string; readonly most: number; readonly isLog: boolean; readonly format: string },
): Chart {
  const ticks = [...new Set(points.map(({ x }) => x))];
  return chart({
    width: 196,
    height: 148,
    marginLeft: 38,
    marginRight: 12,
    marginTop: 8,
    marginBottom: 34,
    x: { type: isLog ? 'log' : 'linear', label: null, ticks, tickFormat: (value: number) => `${value}`, tickSize: 3 },
    y: { label: null, domain: [0, most], ticks: 4, tickFormat: format, tickSize: 0, grid: true },
    color: { domain: WAYS.map(([engine]) => engine), range: WAYS.map(([, colour]) => colour) },
    marks: [
      Plot.lineY(points, { x: 'x', y: 'y', stroke: 'engine', strokeWidth: 1.8 }),
      Plot.dot(points, { x: 'x', y: 'y', fill: 'engine', r: 2.6 }),
      Plot.text([label], { frameAnchor: 'bottom', dy: 30, fill: MUTED, text: (title: string) => title }),
    ],
  });
}

/** Ways of the full-size step, and what to say of them. */
const BY_CLASSES: readonly { readonly engine: string; readonly colour: string; readonly text: string; readonly more: string }[] =
  [
    { engine: PLAIN, colour: MUTED, text: '77 rows for every class', more: 'as published; everything is kept' },
    {
      engine: KEPT,
      colour: COLOURS[0],
      text: 'packed texts, everything kept',
      more: 'a class has only its own words; the default where it fits',
    },
    { engine: '--memory 1GiB', colour: COLOURS[4], text: '--memory 1GiB', more: 'the fastest way that fits' },
    {
      engine: RECOMPUTING,
      colour: COLOURS[1],
      text: 'blocks computed twice',
      more: 'only their inputs are kept; a third as much work again',
    },
    {
      engine: '--memory 768MiB',
      colour: COLOURS[3],
      text: '--memory 768MiB',
      more: 'texts in two passes, part by part; weights take 0.5 GiB',
    },
  ];

/** Device memory of the full-size step against classes, by ways and budgets. */
function byClasses(rows: readonly StoredRow[]): Chart {
  const points = rows.flatMap((row) => {
    const [, classes] = /^MuDPT step ViT-B\/16 B4 C(\d+)$/.exec(row.name) ?? [];
    return classes === undefined ? [] : [{ engine: row.engine, x: Number(classes), y: gibibytes(row) }];
  });
  const ways = BY_CLASSES.map(({ engine, colour }) => [engine, colour] as const);
  const of = (engine: string) => points.filter((point) => point.engine === engine);
  // The lowest line is named from below: two of them end close to each other.
  const ends = ways.flatMap(([engine, colour], at) =>
    of(engine)
      .slice(-1)
      .map((point) => ({ ...point, colour, dy: at === ways.length - 1 ? 12 : -9 })),
  );
  return chart({
    width: 560,
    height: 250,
    marginLeft: 44,
    marginRight: 12,
    marginTop: 14,
    marginBottom: 38,
    x: { type: 'log', label: null, ticks: [10, 100, 1000], tickFormat: (value: number) => `${value}`, tickSize: 3 },
    y: { type: 'log', domain: [0.5, 24], axis: null },
    marks: [
      Plot.gridY(GIBIBYTES, { strokeOpacity: 0.12 }),
      Plot.text(GIBIBYTES, {
        y: (value: number) => value,
        text: (value: number) => `${value}`,
        frameAnchor: 'left',
        textAnchor: 'end',
        dx: -8,
      }),
      ...ways.flatMap(([engine, colour]) => [
        Plot.lineY(of(engine), {
          x: 'x',
          y: 'y',
          stroke: colour,
          strokeWidth: 2,
          ...(engine.startsWith('--') && { strokeDasharray: '5 3' }),
        }),
        Plot.dot(of(engine), { x: 'x', y: 'y', fill: colour, r: 3 }),
      ]),
      Plot.text(['classes C'], { frameAnchor: 'bottom', dy: 33, fill: MUTED, text: (title: string) => title }),
      ...ends.map((end) =>
        Plot.text([end], {
          x: 'x',
          y: 'y',
          text: ({ y }: { y: number }) => y.toFixed(2),
          dy: end.dy,
          dx: -2,
          textAnchor: 'end',
          fontWeight: 600,
          fill: end.colour,
        }),
      ),
    ],
  });
}

/** The first chart, and beside it what its lines are. */
function classesPieces(rows: readonly StoredRow[]): Piece[] {
  const legend = BY_CLASSES.flatMap(({ colour, text, more }, at): Piece[] => {
    const y = 104 + 38 * at;
    return [
      { x: 616, y: y - 8, rect: [18, 5], fill: colour },
      { x: 644, y, text, weight: 600 },
      { x: 644, y: y + 15, text: more, size: 11, fill: MUTED },
    ];
  });
  const below: Piece = { x: 644, y: 300, text: 'Loss and gradients are the same in every way.', size: 11, fill: INK };
  return [{ x: 24, y: 64, chart: byClasses(rows) }, ...legend, below];
}

/** The rows of panels below: what is measured, of which model. */
const MEASURES = [
  {
    model: 'ViT-B/16',
    y: (row: StoredRow) => gibibytes(row),
    head: 'Memory, GiB',
    note: 'counted, of ViT-B/16 around C = 100, B = 4, T = 197, n = 2, L = 9',
  },
  {
    model: 'ViT-B/16',
    y: (row: StoredRow) => (row.flops ?? 0) / 1e12,
    head: 'Work, TFLOP',
    note: 'counted, of the same steps',
  },
  {
    model: 'small CLIP',
    y: (row: StoredRow) => (row.best ?? Number.NaN) / 1000,
    head: 'Time, seconds',
    note: 'timed, of a small CLIP (6 layers, 128 channels) around C = 50, B = 4, T = 65, n = 2, L = 4',
  },
] as const;

/** A row of panels: one measure along every axis, on one scale. */
function panels(rows: readonly StoredRow[], { model, y, head, note }: (typeof MEASURES)[number], top: number): Piece[] {
  const all = AXES.map(([axis]) => curve(rows, model, axis).map((point) => ({ ...point, y: y(point.row) })));
  const most = 1.08 * Math.max(...all.flat().map((point) => point.y));
  return [
    { x: 24, y: top, text: head, size: 14, weight: 700 },
    { x: 160, y: top, text: note, size: 11, fill: MUTED },
    ...AXES.map(([axis, label], column): Piece => {
      const isLog = axis !== 'T' && axis !== 'L';
      return { x: 16 + 192 * column, y: top + 8, chart: panel(all[column] ?? [], { label, most, isLog, format: '.1f' }) };
    }),
  ];
}

/** What the colours of the panels are, in a line above them. */
function waysPieces(): Piece[] {
  const pieces: Piece[] = [];
  let x = 516;
  for (const [engine, colour] of WAYS) {
    pieces.push({ x, y: 331, rect: [14, 5], fill: colour }, { x: x + 20, y: 337, text: engine, size: 11 });
    x += 42 + 5.6 * engine.length;
  }
  return pieces;
}

/** @param plans of the suite `memory` @param times of the suite `curves` */
export function memoryChart(plans: readonly Results[], times: readonly Results[]): string {
  const rows = [...plans, ...times].flatMap((results) => results.rows);
  const notes = [
    `Counted: bytes and operations of recorded plans, which load does not change. ${provenance(plans)}`,
    `Timed: the best of several steps, on the wall. ${provenance(times)}`,
  ];
  return sheet(WIDTH, 944, 'Memory, work and time of a training step', [
    ...heading(
      'Memory of a training step',
      'MuDPT on CLIP ViT-B/16, 4 images, f32: device memory in GiB, weights and optimizer included, as planned; logarithmic',
    ),
    ...classesPieces(rows),
    ...MEASURES.flatMap((measure, row) => panels(rows, measure, 362 + 182 * row)),
    ...waysPieces(),
    ...notes.map((text, at): Piece => ({ x: 24, y: 912 + 16 * at, text, size: 10, fill: MUTED })),
  ]);
}
