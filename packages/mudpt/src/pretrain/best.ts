/** The state that is best on validation, which is the one that is published. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, openSafetensors } from '@mudpt/tensor';
import type { Learner } from './learner.ts';

/** Accuracies of sets by name; see {@link scoreOf}. */
type Validation = Readonly<Record<string, number>>;

const bestPath = (out: string): string => join(out, 'best.safetensors');

/** Sets of what the model never saw are named so; the test's images are in none. */
const HELD_OUT = /^zeroShot .*held-out/u;

/** What states are compared by: mean zero-shot accuracy over the sets with something held out. @throws InputError when there is none */
export function scoreOf(validation: Validation): number {
  const values = Object.entries(validation).flatMap(([name, value]) => (HELD_OUT.test(name) ? [value] : []));
  if (values.length === 0)
    throw new InputError('pretrain', 'no set of what is held out was validated on', 'name one of the sets "held-out ..."');
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Keeps the best of the states that it is shown, also of those that a run in the same folder saw before it was stopped. */
export class BestState {
  private constructor(
    private readonly out: string,
    private score: number,
  ) {}

  /** @param step updates that the run goes on from: what a longer run kept or logged after them does not count */
  static async of(out: string, step: number): Promise<BestState> {
    const log = join(out, 'log.jsonl');
    if (!existsSync(log) || !existsSync(bestPath(out)) || (await keptStep(out)) > step)
      return new BestState(out, Number.NEGATIVE_INFINITY);
    const entries = (await readFile(log, 'utf8')).split('\n').filter((line) => line !== '');
    const scores = entries
      .map((line) => JSON.parse(line) as Validation)
      .filter((entry) => (entry['step'] ?? 0) <= step && Object.keys(entry).some((name) => HELD_OUT.test(name)))
      .map(scoreOf);
    return new BestState(out, Math.max(Number.NEGATIVE_INFINITY, ...scores));
  }

  /** Saves the state unless an earlier one was better: of equal ones the later, which saw more. */
  async show(learner: Learner, validation: Validation): Promise<void> {
    const score = scoreOf(validation);
    if (score < this.score) return;
    this.score = score;
    await learner.save(bestPath(this.out));
  }
}

/** Updates that the state in `out` saw. */
async function keptStep(out: string): Promise<number> {
  const file = await openSafetensors(bestPath(out));
  const { metadata } = file;
  await file.close();
  return Number(metadata['step']);
}

/** Takes up the best state of `out`, if one was kept. Returns the updates it saw. */
export async function takeBest(learner: Learner, out: string): Promise<number> {
  if (existsSync(bestPath(out))) await learner.load(bestPath(out));
  return learner.step;
}
