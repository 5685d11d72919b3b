/** Predictions as a table, JSON, JSON lines or CSV. */
import { nth } from '@mudpt/tensor/internal';
import { csvLine, printable, printableJson } from '@mudpt/clip';
import type { FilePrediction } from '../runs/index.ts';
import { table } from '../terminal/text.ts';

export type OutputForm = 'table' | 'json' | 'jsonl' | 'csv';
/** `unsure`: the probability is below the threshold. */
export type Status = 'ok' | 'unsure' | 'error';

/** Columns of the CSV: one row for each class of a file, one row for a file that could not be read. */
export const COLUMNS = ['file', 'rank', 'label', 'class', 'probability', 'status', 'error'];

export function statusOf({ why, top }: FilePrediction, threshold = 0): Status {
  if (why !== undefined) return 'error';
  return nth(top, 0).probability < threshold ? 'unsure' : 'ok';
}

export type WriterOptions = {
  /** Whether a person reads the output: then names are escaped in CSV too. Default false. */
  readonly isTerminal?: boolean | undefined;
  /** The epoch whose state predicts, for every record. Default: the end of the run. */
  readonly epoch?: number | undefined;
};

/** Writes predictions as they come, where the form allows it. */
export class PredictionWriter {
  private readonly kept: FilePrediction[] = [];
  private readonly isTerminal: boolean;
  private readonly epoch: number | undefined;

  constructor(
    private readonly form: OutputForm,
    private readonly threshold: number,
    private readonly write: (text: string) => void,
    { isTerminal = false, epoch }: WriterOptions = {},
  ) {
    this.isTerminal = isTerminal;
    this.epoch = epoch;
    if (form === 'csv') this.row([...COLUMNS, ...(epoch === undefined ? [] : ['epoch'])]);
  }

  add(prediction: FilePrediction): void {
    if (this.form === 'jsonl') this.write(`${printableJson(this.record(prediction))}\n`);
    else if (this.form === 'csv')
      for (const row of this.rows(prediction)) this.row([...row, ...(this.epoch === undefined ? [] : [String(this.epoch)])]);
    else this.kept.push(prediction);
  }

  end(): void {
    if (this.form === 'json')
      this.write(
        `${printableJson(
          this.kept.map((one) => this.record(one)),
          2,
        )}\n`,
      );
    if (this.form === 'table') this.write(`${table(this.kept.map((one) => this.line(one))).join('\n')}\n`);
  }

  private row(cells: readonly string[]): void {
    this.write(`${csvLine(this.isTerminal ? cells.map(printable) : cells)}\n`);
  }

  private record(prediction: FilePrediction): object {
    const { file, top, why } = prediction;
    const { epoch } = this;
    const status = statusOf(prediction, this.threshold);
    return { file, status, top, ...(why !== undefined && { error: why }), ...(epoch !== undefined && { epoch }) };
  }

  private rows(prediction: FilePrediction): string[][] {
    const status = statusOf(prediction, this.threshold);
    const { file, top, why = '' } = prediction;
    if (status === 'error') return [[file, '', '', '', '', status, why]];
    return top.map(({ label, name, probability }, rank) => [
      file,
      String(rank + 1),
      String(label),
      name,
      probability.toFixed(6),
      status,
      '',
    ]);
  }

  private line(prediction: FilePrediction): string[] {
    const { file, top, why } = prediction;
    if (why !== undefined) return [file, `error: ${why}`];
    const told = top.map(({ name, probability }) => `${name} ${(100 * probability).toFixed(1)} %`);
    if (statusOf(prediction, this.threshold) === 'unsure') told[0] = `unsure: ${told[0] ?? ''}`;
    return [file, ...told];
  }
}
