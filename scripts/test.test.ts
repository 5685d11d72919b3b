import { describe, expect, it } from 'vitest';
import { plan, tally } from './test.mjs';

type Outcome = { status: string; meta: { adapter: string | undefined } };

const adapter = (kind: 'lavapipe' | 'swiftshader') => ({ kind, name: kind, source: '', environment: { VK_DRIVER_FILES: kind } });
const test = (status: string, kind?: string): Outcome => ({ status, meta: { adapter: kind } });
const file = (status: string, ...assertionResults: Outcome[]) => ({ status, message: 'cannot import', assertionResults });

describe('plan', () => {
  it('runs every adapter, the first also with default limits, and the browser where there is one', () => {
    const runs = plan([adapter('lavapipe'), adapter('swiftshader')], '/usr/bin/chromium', {
      PATH: '/bin',
      VK_DRIVER_FILES: '/none',
    });
    expect(runs.map((run) => run.name)).toEqual(['lavapipe', 'default-limits', 'swiftshader', 'browser']);
    expect(runs[0]?.environment).toEqual({ VK_DRIVER_FILES: 'lavapipe', MUDPT_ADAPTER: 'lavapipe' });
    expect(runs[1]).toMatchObject({
      adapter: 'lavapipe',
      environment: { VK_DRIVER_FILES: 'lavapipe', TENSOR_LIMITS: 'default' },
      vitest: ['--tags-filter=device'],
    });
    expect(runs[2]?.environment).toMatchObject({ MUDPT_ADAPTER: 'swiftshader', TEST_ANOTHER_ADAPTER: '1' });
    expect(runs[3]).toMatchObject({ adapter: 'swiftshader' });
    expect(runs[3]?.environment).toEqual({ PATH: '/bin' });
    expect(plan([adapter('swiftshader')], undefined, {}).map((run) => run.name)).toEqual(['swiftshader', 'default-limits']);
  });
});

describe('tally', () => {
  it('counts passed, failed, skipped and those on the adapter', () => {
    const report = {
      testResults: [
        file('failed', test('passed', 'gpu'), test('failed', 'gpu')),
        file('passed', test('passed'), test('skipped')),
      ],
    };
    expect(tally(report, 'gpu', true)).toEqual({ passed: 2, failed: 1, skipped: 1, onAdapter: 2, problems: [] });
  });

  it('fails a whole run that reached no adapter, and any test on another one', () => {
    const bare = { testResults: [file('passed', test('passed'))] };
    expect(tally(bare, 'gpu', true)).toMatchObject({ passed: 1, failed: 1, problems: ['no test reached an adapter'] });
    expect(tally(bare, 'gpu', false)).toMatchObject({ passed: 1, failed: 0 });
    const stranger = { testResults: [file('passed', test('passed', 'lavapipe'))] };
    expect(tally(stranger, 'gpu', false)).toMatchObject({ failed: 1, problems: ['1 tests ran on lavapipe instead of gpu'] });
  });

  it('counts a file that fails before its first test', () => {
    const report = { testResults: [file('failed'), file('passed', test('passed', 'gpu'))] };
    expect(tally(report, 'gpu', true)).toMatchObject({
      passed: 1,
      failed: 1,
      problems: ['a file failed outside of its tests: cannot import'],
    });
  });
});
