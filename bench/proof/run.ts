/** One step of the proof: a program in a process group of its own, bounded in time, whatever it does to itself or to the device. */
import { spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is run, and for how long at most. */
export type Step = {
  /** File name of its log, and what `--only` takes. */
  readonly name: string;
  readonly title: string;
  readonly command: readonly string[];
  /** Seconds it may take. */
  readonly seconds: number;
  /** Variables beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Why it is not run at all. */
  readonly leftOut?: string;
};

export type Status = 'passed' | 'failed' | 'stopped' | 'not run';

export type Outcome = {
  readonly name: string;
  readonly title: string;
  readonly status: Status;
  readonly seconds: number;
  /** In words: the exit code or signal, or why it was stopped or not run. */
  readonly reason: string;
  /** Last lines of what it printed. */
  readonly tail: readonly string[];
};

/** Lines of a log that the report shows. */
const TAIL = 25;
/** Between asking a program to end and ending it. */
const GRACE = 1000;

/** A step that was not run, and why. */
export function notRun({ name, title }: Step, reason: string): Outcome {
  return { name, title, status: 'not run', seconds: 0, reason, tail: [] };
}

/**
 * Runs `step` and writes what it prints to `folder`/NAME.log. A program that outlives its time is killed with everything it started: a kernel that never
 * ends blocks the process that waits for it, and dies with it.
 *
 * @param seconds left for it, if fewer than its share
 * @param interrupt ends it before its time
 */
export async function runStep(step: Step, folder: string, seconds: number, interrupt?: AbortSignal): Promise<Outcome> {
  const [program = '', ...words] = step.command;
  const limit = Math.min(step.seconds, seconds);
  const path = join(folder, `${step.name}.log`);
  const log = createWriteStream(path);
  const start = performance.now();
  const child = spawn(program, words, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...step.environment },
  });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  let isLate = false;
  const kill = (signal: NodeJS.Signals): void => {
    try {
      if (child.pid) process.kill(-child.pid, signal);
    } catch (error) {
      if ((error as { code?: string }).code !== 'ESRCH') throw error; // it has ended meanwhile
    }
  };
  const stop = setTimeout(() => {
    isLate = true;
    kill('SIGTERM');
    setTimeout(() => kill('SIGKILL'), GRACE).unref();
  }, limit * 1000);
  const onInterrupt = (): void => kill('SIGKILL');
  interrupt?.addEventListener('abort', onInterrupt);
  const end = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`it did not start: ${error.message}`));
    child.on('close', (code, signal) => resolve(signal ? `ended by ${signal}` : code === 0 ? '' : `exit code ${code}`));
  });
  clearTimeout(stop);
  interrupt?.removeEventListener('abort', onInterrupt);
  const isInterrupted = interrupt?.aborted ?? false;
  kill('SIGKILL'); // what it started and did not end still holds the device
  await new Promise<void>((resolve) => void log.end(resolve));
  const status = isLate || isInterrupted ? 'stopped' : end === '' ? 'passed' : 'failed';
  return {
    name: step.name,
    title: step.title,
    status,
    seconds: (performance.now() - start) / 1000,
    reason: isInterrupted ? 'the proof was interrupted' : isLate ? `still running after ${limit.toFixed(0)} s` : end,
    tail: readFileSync(path, 'utf8').trimEnd().split('\n').slice(-TAIL),
  };
}
