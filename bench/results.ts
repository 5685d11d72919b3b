/** The JSON files that `pnpm bench` writes, one for every suite of a run: `<adapter>-<suite>.json`. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Device } from '@mudpt/tensor';
import type { Row } from './harness.ts';
import type { Peaks } from '@mudpt/testing/measure/peaks';
import { checkResults, type Head, type Results } from './results-form.ts';

/** Where results that are kept stand. */
export const RESULTS = fileURLToPath(new URL('results', import.meta.url));

export type { Head, Results, StoredRow } from './results-form.ts';

/** The head of a run that begins now. */
export function headOf(device: Device, peaks: Peaks): Head {
  const { kind, name } = device.adapter;
  const [first, ...others] = cpus();
  return {
    adapter: name,
    kind,
    processor: first?.model ?? 'unknown',
    cores: 1 + others.length,
    commit: commitOf(),
    date: new Date().toISOString(),
    peaks,
  };
}

/** The commit of this checkout, and whether it has changes. */
export function commitOf(): string {
  const git = (...words: string[]): string =>
    execFileSync('git', words, { cwd: RESULTS, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain') === '' ? '' : ' with changes');
  } catch {
    return 'unknown: not a git checkout';
  }
}

const fileOf = (folder: string, kind: string, suite: string): string => join(folder, `${kind}-${suite}.json`);

/** Writes the rows of one suite. @returns the file */
export function writeResults(folder: string, head: Head, suite: string, rows: readonly Row[]): string {
  mkdirSync(folder, { recursive: true });
  const file = fileOf(folder, head.kind, suite);
  writeFileSync(file, `${JSON.stringify({ ...head, rows }, undefined, 1)}\n`);
  return file;
}

/** The kept results of suites on an adapter, in that order; what was never run is left out. @throws TypeError for a file of another form */
export function readResults(kind: string, suites: readonly string[]): Results[] {
  const files = suites.map((suite) => fileOf(RESULTS, kind, suite)).filter((file) => existsSync(file));
  return files.map((file) => checkResults(JSON.parse(readFileSync(file, 'utf8')), file));
}
