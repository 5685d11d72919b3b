/** The summary of a running run: every change is written to `summary.json` at once. */
import type { FileLock } from '@mudpt/tensor';
import type { Confusion } from '../../evaluation/confusion.ts';
import { type Evaluation, isOfKind, type RunSummary } from '../records/records.ts';
import type { RunFolder } from './run-folder.ts';

export class SummaryRecord {
  constructor(
    private readonly folder: RunFolder,
    /** Makes this process the only one that writes the run. */
    private readonly lock: FileLock,
    private summary: RunSummary,
  ) {}

  get current(): RunSummary {
    return this.summary;
  }

  /** Changes it without writing, before the folder is cleared for a new run. */
  begin(change: Partial<RunSummary>): void {
    this.summary = { ...this.summary, ...change };
  }

  /** @throws when this process may no longer write the run */
  async note(change: Partial<RunSummary>): Promise<RunSummary> {
    this.begin(change);
    await this.lock.expectHeld();
    await this.folder.writeSummary(this.summary);
    return this.summary;
  }

  /** Adds an evaluation in place of an earlier one of the same kind on the same data and classes. */
  async add(evaluation: Evaluation, confusion: Confusion): Promise<void> {
    await this.lock.expectHeld();
    await this.folder.writeConfusion(evaluation, confusion);
    await this.note({ evaluations: withEvaluation(this.summary.evaluations, evaluation) });
  }
}

/** Evaluations with one more, which takes the place of the one of the same kind, data, classes and variation. */
export function withEvaluation(evaluations: readonly Evaluation[], made: Evaluation): Evaluation[] {
  const isReplaced = (one: Evaluation): boolean => one.split === made.split && isOfKind(one, made);
  return [...evaluations.filter((one) => !isReplaced(one)), made];
}
