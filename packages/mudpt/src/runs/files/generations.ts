/** The checkpoint that a run continues from: the last one, or the one before if the last is damaged. */
import { InputError, TensorError } from '@mudpt/tensor';
import { exists } from '../../data/files.ts';
import type { Extent } from '../../train/state.ts';
import { expectSameRun, type Position, readPosition } from './checkpoint.ts';
import type { RunMarks } from '../settings/identity.ts';
import type { RunFolder } from './run-folder.ts';

export interface Found {
  readonly path: string;
  readonly position: Position;
  /** A sentence for a person where it is not the last one. */
  readonly note?: string;
}

/**
 * Reads and checks; writes nothing.
 * @throws FormatError when neither generation is whole; InputError when there is none, or it belongs to another run
 */
export async function findCheckpoint(folder: RunFolder, marks: RunMarks, extent?: Extent): Promise<Found> {
  let damage: TensorError | undefined;
  for (const name of ['checkpoint', 'previous'] as const) {
    const path = folder.file(name);
    if (!(await exists(path))) continue;
    let position: Position;
    try {
      position = await readPosition(path, extent);
      await folder.metrics.check(position.metricsBytes);
    } catch (error) {
      if (!(error instanceof TensorError)) throw error;
      damage ??= error;
      continue;
    }
    expectSameRun(path, position, marks);
    if (name === 'checkpoint') return { path, position };
    const why = damage ? damage.problem : `${folder.file('checkpoint')} is not there`;
    return { path, position, note: `${why}: the run goes on from the checkpoint before, ${path}` };
  }
  throw (
    damage ??
    new InputError('resume', `${folder.path} has no checkpoint`, 'begin the run with --fresh, or give the folder of another run')
  );
}
