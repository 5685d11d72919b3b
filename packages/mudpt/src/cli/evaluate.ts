/** `pnpm evaluate`: runs on data sets, one after the other, with one device and one base model. */
import { stat } from 'node:fs/promises';
import { Device, InputError, TensorError } from '@mudpt/tensor';
import { pathFromHere } from '../command.ts';
import { counted } from '../data/dataset.ts';
import { evaluateRun, type EvaluationResult, openRun, RunCache, RunFolder, type TunedModel } from '../runs/index.ts';
import { ModelPool } from '../sweep/model-pool.ts';
import { isRefusal } from '../sweep/runs.ts';
import { StatusLine } from '../terminal/status-line.ts';
import { bar } from '../terminal/text.ts';
import { epochFlag } from './epoch-flag.ts';
import { detailsOf, gapLines, type Measured, tableOf } from './evaluate-output.ts';
import { stopOnSignal } from './stop-signal.ts';
import { findRun } from './find-run.ts';
import { unknownText } from './unknown.ts';

export interface EvaluateFlags {
  /** Names or paths of data sets, separated by commas. */
  readonly data?: string;
  readonly root?: string;
  readonly classes?: 'all' | 'base' | 'new';
  readonly model?: string;
  readonly allowOutside?: boolean;
  readonly runs?: string;
  readonly cache?: string;
  readonly unknown?: readonly string[];
  readonly loadEpoch?: string;
  readonly descriptions?: string;
  readonly template?: string;
  readonly classNames?: string;
}

/** Exit codes: everything was measured, some was not, nothing was. */
const [ALL, NONE, SOME] = [0, 1, 3];

const STOPPED = 130;
const AGAIN = 'what was measured whole is recorded: the same command measures the rest';

/** What the evaluations of one command share. */
interface EvaluateSession {
  readonly flags: EvaluateFlags;
  /** Data sets by name or path; undefined: the run's own. */
  readonly data: readonly (string | undefined)[];
  /** Whether there is one run and one data set, which are shown in detail, and whose errors end the command. */
  readonly isOne: boolean;
  readonly device: Device;
  readonly models: ModelPool;
  readonly cache: RunCache;
  readonly line: StatusLine;
  readonly signal: AbortSignal;
}

/** Runs the command. @returns exit code: 0 all was measured, 3 some, 1 nothing, 130 asked to stop */
export async function evaluateCommand(given: readonly string[], flags: EvaluateFlags): Promise<number> {
  const line = new StatusLine(process.stdout);
  const cache = RunCache.ofUser(flags.cache, (note) => line.print(note));
  const data = flags.data === undefined ? [undefined] : await splitData(flags.data);
  const isOne = given.length * data.length === 1;
  const measured: Measured[] = [];
  epochFlag(flags.loadEpoch); // an error is told before the device is opened
  const stop = stopOnSignal(line, AGAIN);
  using device = await Device.open();
  const models = new ModelPool();
  try {
    const session = { flags, data, isOne, device, models, cache, line, signal: stop.signal };
    for (const words of given) measured.push(...(await evaluateOne(words, session)));
  } catch (error) {
    if (!stop.signal.aborted || error !== stop.signal.reason) throw error;
    line.print(`stopped; ${AGAIN}`);
    return STOPPED;
  } finally {
    stop.dispose();
    line.clear();
    models.dispose();
  }
  if (!isOne) for (const text of [...tableOf(measured), ...gapLines(measured)]) line.print(text);
  if (cache.features.hits > 0)
    line.print(
      `${counted(cache.features.hits, 'pass of the frozen towers was', 'passes of the frozen towers were')} known, and not computed again`,
    );
  const gaps = measured.filter((one) => 'gap' in one).length;
  if (gaps > 0) line.print(`${gaps} of ${counted(measured.length, 'evaluation is a gap', 'evaluations are gaps')}`);
  return gaps === 0 ? ALL : gaps < measured.length ? SOME : NONE;
}

/** Evaluates one run on all data sets. @param words name the run */
async function evaluateOne(words: string, session: EvaluateSession): Promise<Measured[]> {
  const { flags, data, isOne, device, models, cache, line, signal } = session;
  const show = (text: string) => (what: string, done: number, total: number) =>
    line.show(`${text}${what} ${bar(done / total)} ${done}/${total}`);
  const measured: Measured[] = [];
  let run: TunedModel | undefined;
  try {
    const path = await findRun(words, flags.runs);
    run = await openRun(path, {
      device,
      epoch: epochFlag(flags.loadEpoch),
      signal,
      openModel: models.open.bind(models),
      ...(flags.model !== undefined && { model: flags.model }),
    });
    for (const note of run.notes) line.print(note);
    const name = pathFromHere(path);
    for (const one of data) {
      const result = await gapOr(!isOne, () =>
        evaluate(run as TunedModel, one, { ...flags, signal }, cache, show(isOne ? '' : `${name}: `)),
      );
      if (typeof result === 'string') {
        measured.push({ run: name, data: one ?? 'its data', gap: result });
        continue;
      }
      const { zeroShot, tuned } = result;
      measured.push({ run: name, data: tuned.data, zeroShot, tuned });
      const { evaluations, data: trained } = await new RunFolder(path).readSummary();
      const { method, classes } = run.config;
      if (isOne) for (const text of detailsOf(result, method, evaluations, device.adapter.name)) line.print(text);
      for (const text of [...result.notes, ...unknownText(result.unknown, { method, path, classes, data: trained.name })])
        line.print(text);
    }
    return measured;
  } catch (error) {
    if (isOne || !isOfOne(error)) throw error;
    return [...measured, ...data.map((one) => ({ run: words, data: one ?? 'its data', gap: reasonOf(error) }))];
  } finally {
    await run?.close();
  }
}

function evaluate(
  run: TunedModel,
  data: string | undefined,
  {
    root,
    classes,
    allowOutside,
    descriptions,
    template,
    classNames,
    signal,
    unknown,
  }: EvaluateFlags & { readonly signal: AbortSignal },
  cache: RunCache,
  onPart: (what: string, done: number, total: number) => void,
): Promise<EvaluationResult> {
  return evaluateRun(run, {
    cache,
    signal,
    onPart,
    ...(data !== undefined && { data }),
    ...(root !== undefined && { root }),
    ...(allowOutside && { allowOutside: true }),
    ...(descriptions !== undefined && { descriptions }),
    ...(template !== undefined && { template }),
    ...(classNames !== undefined && { classNames }),
    ...(classes !== undefined && { classes }),
    ...(unknown && { unknown }),
  });
}

/** Names and paths with commas; a path that has one is taken whole. @throws InputError where one is empty */
async function splitData(text: string): Promise<string[]> {
  const isPath = await stat(text).then(
    () => true,
    () => false,
  );
  if (isPath) return [text];
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InputError('--data', `"${text}" has an empty name`, 'write names and paths with commas');
  return [...new Set(names)];
}

/** The result of `body`, or its error where other evaluations follow. */
async function gapOr<T>(isTold: boolean, body: () => Promise<T>): Promise<T | string> {
  try {
    return await body();
  } catch (error) {
    if (!isTold || !isOfOne(error)) throw error;
    return reasonOf(error);
  }
}

/** Whether an error is about one run or data set, so that the device still works and other evaluations may succeed. */
function isOfOne(error: unknown): error is Error {
  return isRefusal(error) || (error instanceof Error && 'syscall' in error);
}

function reasonOf(error: Error): string {
  return error instanceof TensorError ? `${error.problem}; ${error.fix}` : error.message;
}
