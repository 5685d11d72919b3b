/** `pnpm train` */
import { Device } from '@mudpt/tensor';
import { pathFromHere } from '../command.ts';
import { untilAborted } from '../event-loop.ts';
import { methodNamed } from '../methods/index.ts';
import { estimateRun, type FinishedRun, resumeRun, RunCache, type RunSummary, train } from '../runs/index.ts';
import { runSettings, type TrainInput } from '../runs/settings/settings.ts';
import { settingsOf } from '../settings/fields.ts';
import { DivergedError } from '../train/index.ts';
import { checkData } from './check.ts';
import { tellEstimate } from './estimate.ts';
import { findRun } from './find-run.ts';
import { stopOnSignal } from './stop-signal.ts';
import { StatusLine } from '../terminal/status-line.ts';
import { AUTO, inputOf, keyOf, type TrainFlags } from '../runs/settings/input.ts';
import { finish, observe } from './train-output.ts';

export interface TrainCommand extends TrainFlags {
  readonly out?: string;
  /** `true`: the run that the other flags describe; a path: the run there. */
  readonly resume?: string | true;
  readonly fresh?: boolean;
  readonly cache?: string;
  readonly dryRun?: boolean;
  readonly check?: boolean;
  readonly help?: boolean;
}

/** Runs the command. @returns exit code */
export async function trainCommand(flags: TrainCommand): Promise<number> {
  const line = new StatusLine(process.stdout);
  const stop = stopOnSignal(line);
  if (flags.check) {
    try {
      return await checkData(await inputOf(flags), line, stop.signal);
    } finally {
      stop.dispose();
    }
  }
  const device = Device.open();
  let report: string | undefined;
  // An error in the configuration is told before the device is waited for.
  device.catch(() => undefined);
  try {
    if (flags.dryRun) return tellEstimate(line, await estimateRun(await inputOf(flags), await device));
    const options = {
      device,
      signal: stop.signal,
      observer: observe(line),
      cache: RunCache.ofUser(flags.cache, (note) => line.print(note)),
      afterwards: async (run: FinishedRun) => {
        report = (await reportOf(run, line, stop.signal)) ?? report;
      },
      ...(flags.out !== undefined && { out: flags.out }),
      ...(flags.fresh && { fresh: true }),
    };
    const trainOn = (input: TrainInput) => train(input, { ...options, resume: flags.resume === true });
    const result =
      typeof flags.resume === 'string'
        ? await resumeRun(await findRun(flags.resume, flags.out), options)
        : await trainOn(await inputOf(flags));
    const code = finish(line, result, report);
    const better = flags.method === AUTO && code === 0 ? betterMethod(result.summary) : undefined;
    if (better === undefined) return code;
    line.print();
    line.print(line.paint('strong', `${methodNamed(better).title} is chosen: it has the best accuracy on validation`));
    // Settings of one method are not those of another.
    const { settings: _s, training: _t, variant: _v, ...input } = await inputOf(withoutMethod(flags));
    return finish(line, await trainOn({ ...input, method: better }), report);
  } catch (error) {
    line.clear();
    if (error instanceof DivergedError && report !== undefined) line.print(`report  ${pathFromHere(report)}`);
    if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
    line.print('stopped before anything was begun');
    return 130;
  } finally {
    stop.dispose();
    (await device.catch(() => undefined))?.dispose();
  }
}

/** Writes the report of a run, unless its configuration wants none. @returns its path */
async function reportOf(
  { folder, dataset, clip, method, features }: FinishedRun,
  line: StatusLine,
  signal: AbortSignal,
): Promise<string | undefined> {
  if ((await folder.readConfig()).report === 'no') return undefined;
  line.show('writing the report');
  // Charts and their libraries are loaded when they are needed: training shall begin soon.
  const { writeReport } = await untilAborted(import('../report/index.ts'), signal);
  const learnt = method && { learnt: { clip, method } };
  return await writeReport({ folder, dataset, ...learnt, features, signal });
}

/** The method with the best accuracy on validation, where that is not the run's own: of equal ones, the run's stays. */
export function betterMethod({
  validation,
  alternatives = [],
}: Pick<RunSummary, 'validation' | 'alternatives'>): string | undefined {
  const [best] = [...alternatives].sort((a, b) => b.validation - a.validation);
  return best && validation !== undefined && best.validation > validation ? best.method : undefined;
}

/** What flags say of data, model and command: settings of one method are not those of another. */
export function withoutMethod(flags: TrainFlags): TrainFlags {
  const ofRuns = settingsOf(runSettings).flatMap(({ metadata }) => (metadata.forTraining ? [] : (metadata.flag ?? [])));
  const kept = new Set(['config', 'plugins', ...ofRuns.filter((flag) => flag !== 'method' && flag !== 'variant').map(keyOf)]);
  return Object.fromEntries(Object.entries(flags).filter(([key]) => kept.has(key)));
}
