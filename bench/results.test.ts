import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hasFailed, notMeasured, type Row } from './harness.ts';
import { checkResults } from './results-form.ts';
import { type Head, readResults, RESULTS, writeResults } from './results.ts';

const HEAD: Head = {
  adapter: 'llvmpipe',
  kind: 'lavapipe',
  processor: 'some',
  cores: 2,
  commit: '0123456',
  date: '2026-01-01T00:00:00.000Z',
  peaks: { gflops: 100, gbps: 10, dispatchMicroseconds: 20 },
};

it('keeps the suites of a run apart, each with the head of the run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mudpt-results-'));
  try {
    const timed: Row = { suite: 'gemm', name: 'a product', engine: 'mudpt', best: 1, median: 2 };
    const left = notMeasured({ suite: 'towers', name: 'a tower', engine: 'mudpt' }, 'too long');
    writeResults(folder, HEAD, 'gemm', [timed]);
    const file = writeResults(folder, HEAD, 'towers', [left]);
    expect((await readdir(folder)).sort()).toEqual(['lavapipe-gemm.json', 'lavapipe-towers.json']);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      ...HEAD,
      rows: [{ ...left, best: null, median: null, problem: 'not measured: too long' }],
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('reads kept results in the order asked for, without those there are not', () => {
  const suites = readResults('lavapipe', ['memory', 'nothing of this name', 'gemm']).map(({ rows }) => rows[0]?.suite);
  expect(suites).toEqual(['memory', 'gemm']);
});

it('every kept result has the form, and what has not is told by its place', () => {
  const files = readdirSync(RESULTS).filter((file) => file.endsWith('.json') && !file.endsWith('-tuning.json'));
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) checkResults(JSON.parse(readFileSync(join(RESULTS, file), 'utf8')), file);
  const row = { suite: 'gemm', name: 'a product', engine: 'mudpt', best: null, median: null };
  expect(() => checkResults({ ...HEAD, rows: [row] }, 'a.json')).toThrow(/a\.json: rows\[0\] has no time/);
  expect(() => checkResults({ ...HEAD, rows: [{ ...row, best: -1 }] }, 'a.json')).toThrow(/rows\[0\]\.best is -1/);
  expect(() => checkResults({ ...HEAD, adapter: '', rows: [] }, 'a.json')).toThrow(/adapter is ""/);
});

it('tells a failure from what was left out', () => {
  const row = { suite: 'gemm', name: 'a product', engine: 'mudpt' };
  expect(hasFailed({ ...row, best: 1, median: 1 })).toBe(false);
  expect(hasFailed(notMeasured(row, 'too long'))).toBe(false);
  expect(hasFailed({ ...row, best: 1, median: 1, problem: 'wrong result: relative error 1' })).toBe(true);
});
