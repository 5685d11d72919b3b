/** The command line in a process of its own, to be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Mesa makes its folder of compiled shaders in here unless told otherwise. */
const SHADERS = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Standard output and error, in the order they came. */
  readonly output: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/**
 * Starts `mudpt WORDS` on the adapter this process sees.
 * @param cache folder for what would be kept between runs, so that a tuning stored on this machine changes nothing
 * @param environment of the process
 */
export function start(words: readonly string[], cache: string, environment = process.env): Running {
  const env = { MESA_SHADER_CACHE_DIR: SHADERS, ...environment, XDG_CACHE_HOME: cache };
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...words], {
    cwd: ROOT,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, output }));
  });
  return { child, ended };
}

/** Runs to the end. @throws Error with the output when the exit code is another than `code` */
export async function run(words: readonly string[], cache: string, code = 0): Promise<string> {
  const ended = await start(words, cache).ended;
  if (ended.code === code) return ended.output;
  throw new Error(`mudpt ${words.join(' ')} ended with ${ended.code ?? ended.signal}:\n${ended.output}`);
}

/** Sends `signal` as soon as the run's metrics have `lines` lines. @throws Error when it ends before */
export async function signalAt(
  { child, ended }: Running,
  metrics: string,
  lines: number,
  signal: NodeJS.Signals,
): Promise<Ended> {
  while (child.exitCode === null && child.signalCode === null) {
    const text = await readFile(metrics, 'utf8').catch(() => '');
    if (text.split('\n').length > lines) {
      child.kill(signal);
      return ended;
    }
    await sleep(5);
  }
  throw new Error(`the run ended before its metrics had ${lines} lines:\n${(await ended).output}`);
}
