import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeReport } from './report.ts';
import { notRun, runStep, type Step } from './run.ts';
import { keepOutcomes, passedSteps } from './resume.ts';
import { FAULTS, FIRST_TESTS, planSteps } from './steps.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mudpt-proof-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const step = (name: string, script: string, seconds = 20): Step => ({
  name,
  title: `Step ${name}`,
  command: [process.execPath, '--eval', script],
  seconds,
});
const choice = { out: '/tmp/proof', isDry: true, goldens: [], faults: [], minutes: 8 };

describe('a step', () => {
  it('passes, or says with which exit code or signal it ended', async () => {
    const passed = await runStep(step('fine', 'console.log("1\\n2")'), folder, 60);
    expect(passed).toMatchObject({ status: 'passed', reason: '', tail: ['1', '2'] });
    expect(await runStep(step('wrong', 'process.exit(3)'), folder, 60)).toMatchObject({
      status: 'failed',
      reason: 'exit code 3',
    });
    const signal = await runStep(step('killed', 'process.kill(process.pid, "SIGKILL")'), folder, 60);
    expect(signal).toMatchObject({ status: 'failed', reason: 'ended by SIGKILL' });
    const missing = await runStep({ ...step('missing', ''), command: ['/no/such/program'] }, folder, 60);
    expect(missing.status).toBe('failed');
    expect(missing.reason).toContain('did not start');
  });

  it('that never ends, and does not heed a request to, is killed with what it started', async () => {
    const child = 'setInterval(() => undefined, 1000)';
    const script = `
      process.on('SIGTERM', () => undefined);
      const { spawn } = require('node:child_process');
      console.log(spawn(process.execPath, ['--eval', ${JSON.stringify(child)}]).pid);
      for (;;);`;
    const outcome = await runStep(step('hang', script, 2), folder, 60);
    expect(outcome).toMatchObject({ status: 'stopped', reason: 'still running after 2 s' });
    expect(outcome.seconds).toBeLessThan(15);
    const pid = Number(outcome.tail[0]);
    expect(pid).toBeGreaterThan(0);
    // A killed process is gone, or a zombie until its new parent takes note.
    const isRunning = (): boolean => {
      try {
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      } catch {
        return false;
      }
    };
    for (let i = 0; i < 50 && isRunning(); i += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isRunning()).toBe(false);
  });
});

it('ends at once when the proof is interrupted', async () => {
  const interrupt = new AbortController();
  setTimeout(() => interrupt.abort(), 200);
  const outcome = await runStep(step('long', 'setInterval(() => undefined, 1000)'), folder, 60, interrupt.signal);
  expect(outcome).toMatchObject({ status: 'stopped', reason: 'the proof was interrupted' });
  expect(outcome.seconds).toBeLessThan(15);
});

describe('a proof that was cut off', () => {
  it('goes on with what did not pass, and says why where it cannot', () => {
    expect(() => passedSteps(folder, false)).toThrow(/leave out --resume/);
    const outcome = (name: string, status: 'passed' | 'failed') => ({
      name,
      title: name,
      status,
      seconds: 1,
      reason: '',
      tail: [],
    });
    keepOutcomes(folder, { isDry: false, outcomes: [outcome('adapter', 'passed'), outcome('peaks', 'failed')] });
    expect([...passedSteps(folder, false).keys()]).toEqual(['adapter']);
    expect(() => passedSteps(folder, true)).toThrow(/is of no dry run: leave out --dry-run/);
    writeFileSync(join(folder, 'outcomes.json'), '[]');
    expect(() => passedSteps(folder, false)).toThrow(/another version/);
  });
});

describe('the plan', () => {
  it('begins with the adapter, plants what is asked for, and leaves out of a dry run what takes minutes, with the reason', () => {
    const steps = planSteps({ ...choice, faults: FAULTS });
    expect(steps.slice(0, 4).map(({ name }) => name)).toEqual(['adapter', 'fault-hang', 'fault-lost', 'fault-failing']);
    expect(new Set(steps.map(({ name }) => name)).size).toBe(steps.length);
    expect(steps.filter(({ leftOut }) => leftOut).map(({ name }) => name)).toContain('bench-training');
    const whole = planSteps({ ...choice, isDry: false });
    expect(whole.filter(({ leftOut }) => leftOut).map(({ name }) => name)).not.toContain('bench-training');
  });

  it('names tests that exist', () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const isThere = (name: string): boolean =>
      readdirSync(join(root, dirname(name)), { recursive: true, encoding: 'utf8' }).some(
        (file) => file.startsWith(basename(name)) && file.endsWith('.test.ts'),
      );
    expect(FIRST_TESTS.filter((name) => !isThere(name))).toEqual([]);
  });

  it('gives every step more time where there is more', () => {
    const [short, long] = [8, 16].map((minutes) => planSteps({ ...choice, minutes }).map(({ seconds }) => seconds));
    expect(long).toEqual(short?.map((seconds) => 2 * seconds));
  });
});

describe('the report', () => {
  it('tells each step, the end of the log of what went wrong, and failing tests, from files that may end in the middle', async () => {
    const failing = await runStep(step('goldens', 'console.log("a | b"); process.exit(1)'), folder, 60);
    const left = notRun(step('torch', ''), 'it needs CUDA');
    writeFileSync(
      join(folder, 'tests-first.jsonl'),
      `${JSON.stringify({ file: 'norm.test.ts', name: 'is right', state: 'failed', message: 'expected 1 to be 2' })}\n{"file": "hal`,
    );
    const tests = { ...failing, name: 'tests-first', title: 'Tests', tail: [] };
    writeReport(folder, [failing, tests, left], { isDry: false, isDone: true });
    const text = readFileSync(join(folder, 'report.md'), 'utf8');
    expect(text).toContain('0 steps passed, 2 failed, 0 were stopped, 1 were not run.');
    expect(text).toContain('| Step torch | not run | 0 | it needs CUDA |');
    expect(text).toContain('**norm.test.ts: is right**');
    expect(text).toContain('expected 1 to be 2');
    expect(text).toContain('a | b');
  });
});
