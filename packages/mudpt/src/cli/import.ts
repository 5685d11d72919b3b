/** `pnpm import`: a run of weights that others have trained. */
import { Device } from '@mudpt/tensor';
import { identifyCheckpoint, locateCheckpoint, readShapes, settingsOfShapes } from '../import/index.ts';
import { type FinishedRun, train } from '../runs/index.ts';
import { inputOf, type TrainFlags } from '../runs/settings/input.ts';
import { StatusLine } from '../terminal/status-line.ts';
import { stopOnSignal } from './stop-signal.ts';
import { wholeNumber } from './sweep.ts';
import { finish, observe } from './train-output.ts';

export interface ImportFlags extends TrainFlags {
  readonly method: string;
  readonly epoch?: string;
  readonly out?: string;
  readonly fresh?: boolean;
}

/** Runs the command. Everything is checked before the run's folder is made. @returns exit code */
export async function importCommand(path: string, { epoch, out, fresh, ...flags }: ImportFlags): Promise<number> {
  const line = new StatusLine(process.stdout);
  const input = await inputOf(flags);
  const file = await locateCheckpoint(path, epoch === undefined ? undefined : wholeNumber('--epoch', epoch, 0));
  const settings = settingsOfShapes(flags.method, await readShapes(file), input.settings);
  const imported = await identifyCheckpoint(file);
  const stop = stopOnSignal(line);
  using device = await Device.open();
  let report: string | undefined;
  try {
    const result = await train(
      // Nothing is trained, so other methods are fitted for comparison only if asked for.
      { alternatives: false, ...input, settings, imported },
      {
        device,
        signal: stop.signal,
        observer: observe(line),
        afterwards: async ({ folder, dataset, clip, method }: FinishedRun) => {
          line.show('writing the report');
          const { writeReport } = await import('../report/index.ts');
          report = await writeReport({ folder, dataset, ...(method && { learnt: { clip, method } }) });
        },
        ...(out !== undefined && { out }),
        ...(fresh && { fresh: true }),
      },
    );
    return finish(line, result, report);
  } finally {
    line.clear();
    stop.dispose();
  }
}
