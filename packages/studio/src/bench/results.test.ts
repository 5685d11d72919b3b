/** What the bench page tells of other engines, with workers that stand in for those of the page. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { chosen, head, problems, resultsText, rows, runBench } from './results.ts';

type Message = { readonly id: number; readonly call: string; readonly words: readonly unknown[] };

/** What the workers answer to `runPeer` by the name of the engine; a call without an answer stays open. */
type Answer = { readonly row?: object; readonly error?: object; readonly crash?: string; readonly result?: undefined };
let answers: Readonly<Record<string, readonly Answer[]>> = {};
let built: readonly { readonly name: string; readonly isBuiltIn: boolean }[] = [];
let open = 0;

const OURS = { engine: 'mudpt', best: 1, median: 1, error: 0 };
const HEAD = {
  adapter: 'a',
  kind: 'gpu',
  processor: 'p',
  cores: 2,
  commit: 'c',
  date: '2026-01-01',
  peaks: { gflops: 1, gbps: 1 },
};

class FakeWorker extends EventTarget {
  constructor() {
    super();
    open += 1;
  }

  private say(data: unknown): void {
    queueMicrotask(() => this.dispatchEvent(new MessageEvent('message', { data })));
  }

  postMessage({ id, call, words }: Message): void {
    if (call === 'peers') return this.say({ id, result: built });
    if (call === 'run') {
      for (const [suite, name] of [
        ['gemm', 'matmul'],
        ['attention', 'attention'],
        ['towers', 'tower'],
      ])
        this.say({ event: { row: { ...OURS, suite, name } } });
      return this.say({ id, result: HEAD });
    }
    for (const { row, error, crash, ...result } of answers[String(words[0])] ?? []) {
      if (row) this.say({ event: { row } });
      else if (error) this.say({ id, error });
      else if (crash !== undefined)
        queueMicrotask(() => this.dispatchEvent(Object.assign(new Event('error'), { message: crash })));
      else this.say({ id, ...result });
    }
  }

  terminate(): void {
    open -= 1;
  }
}

beforeEach(() => {
  vi.stubGlobal('Worker', FakeWorker);
  vi.stubGlobal('navigator', { userAgent: 'a browser' });
  chosen.value = ['gemm', 'attention', 'towers'];
});
afterEach(() => {
  vi.unstubAllGlobals();
  expect(open).toBe(0);
});

const reasons = (): (readonly [string, string, string | undefined])[] =>
  rows.value.filter(({ engine }) => engine !== 'mudpt').map(({ name, engine, problem }) => [name, engine, problem]);

it('engines that are not built in are told for every problem that they would have been measured on', async () => {
  built = [{ name: 'jax', isBuiltIn: false }];
  await runBench();
  const why = 'not measured: it is not built into this page';
  expect(reasons()).toEqual([
    ['matmul', 'jax', why],
    ['attention', 'jax', why],
  ]);
  // Beside our row of the same problem, and in the file, where what was not timed is null.
  expect(problems.value.map((group) => group.map(({ engine }) => engine))).toEqual([
    ['mudpt', 'jax'],
    ['mudpt', 'jax'],
    ['mudpt'],
  ]);
  const file = JSON.parse(resultsText(head.value as NonNullable<typeof head.value>)) as { readonly rows: readonly object[] };
  expect(file.rows[3]).toEqual({ suite: 'gemm', name: 'matmul', engine: 'jax', best: null, median: null, problem: why });
});

it('an engine that is refused, crashes, or falls silent keeps its figures, and the others go on', async () => {
  const row = { suite: 'gemm', name: 'matmul', engine: 'silent', best: 2, median: 2, error: 0 };
  built = ['refused', 'crashed', 'silent', 'whole'].map((name) => ({ name, isBuiltIn: true }));
  answers = {
    refused: [{ error: { name: 'TypeError', problem: 'Failed to fetch dynamically imported module' } }],
    crashed: [{ crash: 'out of memory' }],
    silent: [{ row }],
    whole: [{ row: { ...row, engine: 'whole' } }, {}],
  };
  await runBench(0.05);
  const failed = 'not measured: it did not open or broke off (Failed to fetch dynamically imported module)';
  expect(reasons()).toEqual([
    ['matmul', 'refused', failed],
    ['attention', 'refused', failed],
    ['matmul', 'crashed', 'not measured: out of memory'],
    ['attention', 'crashed', 'not measured: out of memory'],
    ['matmul', 'silent', undefined],
    ['attention', 'silent', 'not measured: it said nothing for 0.05 seconds'],
    ['matmul', 'whole', undefined],
    ['attention', 'whole', 'not measured: it has no such operation'],
  ]);
});
