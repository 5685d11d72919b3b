import { expect, it } from 'vitest';
import { fewShotCurves } from './curves.ts';
import { GAP, type Row, type Table } from './table.ts';

const row = (title: string, means: readonly number[], spread?: number): Row => ({
  title,
  part: '',
  isRanked: true,
  values: means.map((mean) => ({ ...GAP, mean, spread })),
});

const table = (coop: number): Table => ({
  name: '',
  title: '',
  columns: ['DTD', 'average'],
  hasParts: false,
  rows: [row('zero-shot', [40, 40]), row('CoOp', [coop, coop], 2), { ...row('  published', [1, 1]), isRanked: false }],
  notes: [],
});

it('draws an SVG a column: a line a method over its shots, its spread, and the level of zero-shot', () => {
  const given = [1, 16].map((shots) => ({ shots, table: table(50 + shots) }));
  const charts = fewShotCurves([...given, { shots: 'all', table: table(99) }]);
  expect([...charts.keys()]).toEqual(['DTD', 'average']);
  const chart = charts.get('DTD') ?? '';
  expect(chart).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^]*<\/svg>$/);
  expect(chart).toMatch(/accuracy on DTD, %/);
  expect([...chart.matchAll(/>CoOp</g)]).toHaveLength(1);
  expect(chart).toMatch(/>zero-shot</);
  expect(chart).not.toMatch(/published/);
  expect(charts.get('average')).toContain('accuracy on average, %');
  expect(fewShotCurves([]).size).toBe(0);
});
