/** The outcomes of a proof in its folder, written as they come, so that one that was cut off can go on. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './run.ts';

type Kept = { readonly isDry: boolean; readonly outcomes: readonly Outcome[] };

const fileOf = (folder: string): string => join(folder, 'outcomes.json');

/** Replaces the file whole: a proof that is killed meanwhile leaves the one before. */
export function keepOutcomes(folder: string, kept: Kept): void {
  const path = fileOf(folder);
  writeFileSync(`${path}.new`, `${JSON.stringify(kept, undefined, 1)}\n`);
  renameSync(`${path}.new`, path);
}

/** The steps in `folder` that passed, by name. @throws Error where there is nothing to go on with */
export function passedSteps(folder: string, isDry: boolean): ReadonlyMap<string, Outcome> {
  const path = fileOf(folder);
  if (!existsSync(path)) throw new Error(`there is no ${path} to go on with: leave out --resume`);
  const kept = JSON.parse(readFileSync(path, 'utf8')) as Partial<Kept>;
  if (!Array.isArray(kept.outcomes) || typeof kept.isDry !== 'boolean')
    throw new Error(`${path} is of another version: leave out --resume, or give another --out`);
  if (kept.isDry !== isDry)
    throw new Error(
      `${path} is of ${kept.isDry ? 'a dry run' : 'no dry run'}: ${kept.isDry ? 'add' : 'leave out'} --dry-run, or give another --out`,
    );
  return new Map(kept.outcomes.filter(({ status }) => status === 'passed').map((outcome) => [outcome.name, outcome]));
}

/** Which adapter the results in `folder` are of; undefined before the step that looks. */
export function adapterOf(folder: string): string | undefined {
  const path = join(folder, 'adapter.json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { readonly name: string }).name : undefined;
}
