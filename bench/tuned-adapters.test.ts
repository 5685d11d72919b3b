import { FIRST_ON_GPUS, GEMM_VARIANTS, TUNED_ADAPTERS } from '@mudpt/tensor/internal';
import { expect, it } from 'vitest';
import { rowOf, tuningResults } from './tuned-adapters.ts';

it("the package's table of adapters is that of the measurements (pnpm tune:table), of variants there are", () => {
  expect(TUNED_ADAPTERS).toEqual(tuningResults().map(rowOf));
  const gemm = new Set(GEMM_VARIANTS.map(({ name }) => name));
  for (const { table } of TUNED_ADAPTERS)
    for (const [key, chosen] of Object.entries('gemm' in table ? table.gemm : {})) expect(gemm, key).toContain(chosen);
});

it('keeps what is worth a line: of CPU adapters what differs from the rules and has the same bits', () => {
  const one = (family: string, ms: Readonly<Record<string, number>>, chosen: string) => ({ family, key: 'k', ms, chosen });
  const measured = [
    one('fill', { long: 2, short: 1 }, 'short'),
    one('copy', { long: 1, short: 2 }, 'long'),
    one('cat', { long: 1.01, short: 1 }, 'short'),
    one('reduce', { few: 2, thread: 1 }, 'thread'),
  ];
  const of = (kind: 'gpu' | 'lavapipe') => rowOf({ adapter: { name: 'some', kind, vendor: 'any' }, measured });
  expect(of('lavapipe')).toEqual({ kind: 'lavapipe', vendor: 'any', table: { fill: { k: 'short' } } });
  expect(of('gpu').table).toEqual({ fill: { k: 'short' }, copy: { k: 'long' }, reduce: { k: 'thread' } });
});

it('first use of a GPU measures classes that its models meet', () => {
  const known = tuningResults().find(({ adapter }) => adapter.kind === 'gpu');
  const classes = known?.measured.map(({ family, key }) => `${family}/${key}`) ?? [];
  // The kept results were measured when one class of attention served all passes.
  for (const name of FIRST_ON_GPUS) expect(classes).toContain(name.replace(/^attention\/(forward|dq|dkv)\//, 'attention/'));
});
