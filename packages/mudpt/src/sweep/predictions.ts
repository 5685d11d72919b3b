/** Predictions of the evaluations that follow a run, a file each in the run's folder, in the form of its `predictions.jsonl`. */
import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FormatError, writeFileAtomic } from '@mudpt/tensor';
import { predictionSchema } from '../runs/records/record-schema.ts';
import type { Prediction } from '../runs/index.ts';
import { openSealedLines, sealLine } from '../runs/files/sealed.ts';
import type { FollowUp } from './cell.ts';

type Measured = Pick<FollowUp, 'name' | 'classes'>;

const pathOf = (run: string, { name, classes }: Measured): string =>
  join(run, 'evaluations', `${name.replaceAll(/[^\w.-]+/g, '_')}-${classes}.jsonl`);

export async function writeFollowUp(run: string, followUp: Measured, predictions: readonly Prediction[]): Promise<void> {
  const path = pathOf(run, followUp);
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic('sweep', path, predictions.map(sealLine).join(''));
}

/** @throws FormatError when it is not there, or damaged */
export async function readFollowUp(run: string, followUp: Measured): Promise<Prediction[]> {
  const path = pathOf(run, followUp);
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new FormatError('sweep', `${path} cannot be read (${(cause as Error).message})`, 'evaluate the cell again', { cause });
  });
  return openSealedLines('sweep', path, bytes).map((line) => {
    const { success, data } = predictionSchema.safeParse(line);
    if (success) return data as Prediction;
    throw new FormatError('sweep', `${path} has a line that is no prediction`, 'remove the run: it is made again');
  });
}
