/** How many times longer other engines take for the same problems on the same adapter. */
import * as Plot from '@observablehq/plot';
import type { Results, StoredRow } from '../results.ts';
import { OURS, PLAIN } from '../suites/ours.ts';
import { provenance } from './provenance.ts';
import { type Chart, chart, COLOURS, heading, INK, MUTED, type Piece, sheet } from './svg.ts';

const SUITES: Readonly<Record<string, string>> = {
  gemm: 'Matrix products',
  attention: 'Attention',
  layernorm: 'Layer norm',
  towers: 'Whole towers',
};
/** Suites in which others take part. */
export const PEER_SUITES = Object.keys(SUITES);
const WIDTH = 1000;

type Bar = { readonly suite: string; readonly name: string; readonly engine: string; readonly ratio: number };

/** Engines on the same adapter; those that compute elsewhere are another comparison, as are other ways of this one. */
function barsOf(rows: readonly StoredRow[]): Bar[] {
  return rows.flatMap(({ suite, name, engine, best, problem }) => {
    if (!SUITES[suite] || engine === OURS || engine === PLAIN || problem || best === null || engine.endsWith('CPU')) return [];
    const ours = rows.find((row) => row.name === name && row.engine === OURS && !row.problem)?.best;
    return ours ? [{ suite, name, engine, ratio: best / ours }] : [];
  });
}

/** @param results of {@link PEER_SUITES} */
export function peersChart(results: readonly Results[]): string {
  const rows = results.flatMap((one) => one.rows);
  const bars = barsOf(rows);
  const engines = [...new Set(bars.map(({ engine }) => engine))];
  const ratios = bars.map(({ ratio }) => ratio);
  const range = [Math.min(...ratios), Math.max(...ratios)] as const;
  const pieces: Piece[] = [
    ...heading(
      'The same work on the same adapter',
      'How many times as long the others take as mudpt: best of several runs, results checked against f64; logarithmic',
    ),
  ];
  let x = 24;
  engines.forEach((engine, at) => {
    pieces.push({ x, y: 70, rect: [14, 10], fill: colourOf(at) }, { x: x + 20, y: 79, text: engine, size: 12 });
    x += 40 + 7.2 * engine.length;
  });
  let y = 100;
  for (const [suite, title] of Object.entries(SUITES)) {
    const ofSuite = bars.filter((bar) => bar.suite === suite);
    if (ofSuite.length === 0) continue;
    pieces.push({ x: 24, y: y + 10, text: title, size: 14, weight: 700, fill: INK });
    y += 18;
    for (const name of new Set(ofSuite.map((bar) => bar.name))) {
      const here = ofSuite.filter((bar) => bar.name === name);
      const figure = group(here, engines, range);
      pieces.push(
        { x: 330, y: y + figure.height / 2 + 4, text: shortened(name), anchor: 'end', size: 12 },
        { x: 340, y, chart: figure },
      );
      y += figure.height + 6;
    }
    y += 10;
  }
  for (const note of notesOn(rows)) {
    pieces.push({ x: 24, y: y + 10, text: note, size: 11, fill: MUTED });
    y += 16;
  }
  pieces.push({ x: 24, y: y + 14, text: provenance(results), size: 10, fill: MUTED });
  return sheet(WIDTH, y + 28, 'Times other engines take, relative to mudpt', pieces);
}

/** What the bars leave out. */
function notesOn(rows: readonly StoredRow[]): string[] {
  const wrong = rows.filter(({ suite, problem }) => SUITES[suite] && problem?.startsWith('wrong result'));
  const native = rows.filter(({ engine, suite, best, problem }) => SUITES[suite] && engine.endsWith('CPU') && best && !problem);
  const ratios = native.flatMap(({ name, best }) => {
    const ours = rows.find((row) => row.name === name && row.engine === OURS && !row.problem)?.best;
    return ours && best ? [ours / best] : [];
  });
  const engines = (of: readonly { engine: string }[]): string => [...new Set(of.map(({ engine }) => engine))].join(', ');
  return [
    ...(wrong.length > 0 ? [`Left out: ${wrong.length} results of ${engines(wrong)} that are wrong.`] : []),
    ...(ratios.length > 0
      ? [
          `${engines(native)} runs native code, no WebGPU, on the same cores: ${Math.min(...ratios).toFixed(1)} to ${Math.max(...ratios).toFixed(1)} times as fast as mudpt on this software adapter.`,
        ]
      : []),
  ];
}

const colourOf = (at: number): string => COLOURS[at % COLOURS.length] ?? INK;
const shortened = (name: string): string => name.replace(/^(matmul|attention|layer norm) /, '');

/** One problem: a bar for each engine, and a line where mudpt stands. */
function group(bars: readonly Bar[], engines: readonly string[], [least, most]: readonly [number, number]): Chart {
  const present = engines.filter((engine) => bars.some((bar) => bar.engine === engine));
  return chart({
    width: 630,
    height: 15 * present.length + 4,
    marginLeft: 0,
    marginRight: 64,
    marginTop: 2,
    marginBottom: 2,
    x: { type: 'log', domain: [Math.min(1, least), most], axis: null },
    y: { domain: present, axis: null, padding: 0.15 },
    color: { domain: [...engines], range: engines.map((_, at) => colourOf(at)) },
    marks: [
      Plot.barX(bars, { x1: 1, x2: 'ratio', y: 'engine', fill: 'engine', rx: 1.5 }),
      Plot.ruleX([1], { stroke: INK, strokeWidth: 1 }),
      Plot.text(bars, {
        x: 'ratio',
        y: 'engine',
        text: ({ ratio }: Bar) => `${ratio >= 9.95 ? ratio.toFixed(0) : ratio.toFixed(1)}×`,
        dx: 5,
        textAnchor: 'start',
        fontWeight: 600,
      }),
    ],
  });
}
