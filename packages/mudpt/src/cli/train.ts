/** `pnpm train` */
import { Device } from '@mudpt/tensor';
import { command, pathFromHere } from '../command.ts';
import { counted } from '../data/dataset.ts';
import {
  DivergedError,
  type Estimate,
  estimateRun,
  type Evaluation,
  type FinishedRun,
  resumeRun,
  type RunConfig,
  type RunObserver,
  type RunResult,
  type RunSummary,
  type StepChoice,
  train,
} from '../train/index.ts';
import { classesWithPictures } from '../evaluation/metrics.ts';
import { type AlternativeFacts, nameOfEvaluation } from '../runs/records.ts';
import { describeRematerialization, methodNamed } from '../methods/index.ts';
import { checkData } from './check.ts';
import { findRun } from './find-run.ts';
import { runSettings } from '../runs/settings.ts';
import { settingsOf } from '../settings/fields.ts';
import { AUTO, inputOf, keyOf, type TrainFlags } from './train-flags.ts';
import { bar, bytes, duration, percent, StatusLine, table } from './terminal.ts';

export interface TrainCommand extends TrainFlags {
  readonly out?: string;
  /** `true`: the run that the other flags describe; a path: the run there. */
  readonly resume?: string | true;
  readonly fresh?: boolean;
  readonly dryRun?: boolean;
  readonly check?: boolean;
  readonly help?: boolean;
}

/** Classes listed before training; the report has all. */
const LISTED = 12;

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
      afterwards: async ({ folder, dataset, clip, method }: FinishedRun) => {
        line.show('writing the report');
        // Charts and their libraries are loaded when they are needed: training shall begin soon.
        const { writeReport } = await import('../report/index.ts');
        report = await writeReport({ folder, dataset, ...(method && { learnt: { clip, method } }) });
      },
      ...(flags.out !== undefined && { out: flags.out }),
      ...(flags.fresh && { fresh: true }),
    };
    const result =
      typeof flags.resume === 'string'
        ? await resumeRun(await findRun(flags.resume, flags.out), options)
        : await train(await inputOf(flags), { ...options, resume: flags.resume === true });
    const code = finish(line, result, report);
    const better = flags.method === AUTO && code === 0 ? betterMethod(result.summary) : undefined;
    if (better === undefined) return code;
    line.print();
    line.print(line.paint('strong', `${methodNamed(better).title} is chosen: it has the best accuracy on validation`));
    // Settings of one method are not those of another.
    const { settings: _s, training: _t, ...input } = await inputOf(withoutMethod(flags));
    return finish(line, await train({ ...input, method: better }, { ...options, resume: flags.resume === true }), report);
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

/** The method with the best accuracy on validation, where that is not the run's own: of equal ones, the run's stays. */
export function betterMethod({
  validation,
  alternatives = [],
}: Pick<RunSummary, 'validation' | 'alternatives'>): string | undefined {
  const [best] = [...alternatives].sort((a, b) => b.validation - a.validation);
  return best && validation !== undefined && best.validation > validation ? best.method : undefined;
}

/** What flags say of data, model and command: settings of one method are not those of another. */
function withoutMethod(flags: TrainFlags): TrainFlags {
  const ofRuns = settingsOf(runSettings).flatMap(({ metadata }) => metadata.flag ?? []);
  const kept = new Set(['config', ...ofRuns.filter((flag) => flag !== 'method').map(keyOf)]);
  return Object.fromEntries(Object.entries(flags).filter(([key]) => kept.has(key)));
}

/** How long work may go on after it was asked to stop: a step of a large model on a processor takes longer. */
const PATIENCE_MS = 1500;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** The first Ctrl-C asks to stop; the second one, or two seconds, end the process. */
function stopOnSignal(line: StatusLine): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const leave = (): void => {
    line.print('stopped; what was saved last stands: the same command with --resume goes on from there');
    process.exit(130);
  };
  const onSignal = (): void => {
    if (controller.signal.aborted) return leave();
    line.print('stopping (once more to leave at once)');
    controller.abort(new Error('stopped'));
    timer = setTimeout(leave, PATIENCE_MS);
  };
  for (const name of SIGNALS) process.on(name, onSignal);
  return {
    signal: controller.signal,
    dispose: () => {
      clearTimeout(timer);
      for (const name of SIGNALS) process.off(name, onSignal);
    },
  };
}

function observe(line: StatusLine): RunObserver {
  let classes = 0;
  let method = '';
  return {
    onReady: (summary, config) => {
      classes = summary.data.classes.length;
      method = summary.method.name;
      for (const text of opening(summary, config, line)) line.print(text);
    },
    onNote: (note) => line.print(`${line.paint('caution', 'note:')} ${note}`),
    onPart: (what, done, total) => line.show(`${what} ${bar(done / total)} ${done}/${total}`),
    onEvaluation: (evaluation) => {
      line.print(line.paint('strong', `${nameOfEvaluation(evaluation.what, method)} accuracy: ${accuracyText(evaluation)}`));
      if (evaluation.what === 'zero-shot' && isNearChance(evaluation, classes))
        line.print(
          `${line.paint('caution', 'warning:')} that is near chance. Do the class names say what is in the pictures, in words?`,
        );
    },
    onAlternatives: (alternatives, validation) => {
      for (const text of alternativesText(alternatives, validation, method)) line.print(text);
    },
    onChoice: (choice) => {
      if (choice.budget.isAsked || choice.considered.length > 1) line.print(`memory   ${choiceText(choice)}`);
    },
    onProgress: ({ epoch, epochs, step, steps, loss, accuracy, imagesPerSecond, bytes: held, eta }) => {
      const done = (epoch * steps + step) / (epochs * steps);
      const numbers = `loss ${loss.toFixed(3)}  accuracy ${percent(accuracy)}  ${imagesPerSecond.toFixed(1)} images/s  ${bytes(held)}`;
      const left = Number.isFinite(eta) ? `  ${duration(eta)} left` : '';
      line.show(`epoch ${epoch + 1}/${epochs} ${bar(done)} ${numbers}${left}`);
    },
    onEpoch: ({ epoch, loss, accuracy, lr, seconds, valAccuracy }) => {
      const validation = valAccuracy === undefined ? '' : `  validation ${percent(valAccuracy)}`;
      line.print(
        `epoch ${epoch + 1}: loss ${loss.toFixed(4)}  accuracy ${percent(accuracy)}${validation}  lr ${Number(lr.toPrecision(3))}  ${duration(seconds)}`,
      );
    },
  };
}

/** What is told before anything is computed. */
function opening({ adapter, data, model, method }: RunSummary, config: RunConfig, line: StatusLine): string[] {
  const { shots, seed } = config;
  const total = (split: 'train' | 'val' | 'test'): number => data.classes.reduce((sum, own) => sum + own[split], 0);
  const layout = method.layout as { example?: string } | undefined;
  const shown = data.classes.slice(0, LISTED);
  const label = (text: string): string => line.paint('soft', text);
  const rows = shown.map(({ name, prompt, train: own, test }) => [name, prompt, String(own), String(test)]);
  const [heading = '', ...classes] = table([['class', 'zero-shot prompt', 'train', 'test'], ...rows], { right: [2, 3] });
  return [
    `${label('adapter')}  ${adapter}`,
    `${label('model')}    ${model.name}, ${model.imageSize} px`,
    `${label('data')}     ${data.name}: ${data.classes.length} classes, ${total('train')} training pictures (${shots === 'all' ? 'all' : `${shots} shots, seed ${seed}`}), ${total('test')} test pictures`,
    ...(data.origin ? [`         ${pathFromHere(data.origin.path)}: ${data.origin.division}`] : []),
    `${label('method')}   ${method.title}: ${method.summary}; ${method.parameters.toLocaleString('en')} numbers are learnt`,
    ...(layout?.example === undefined ? [] : [`         ${layout.example}`]),
    `${label('recipe')}   ${recipe(config)}`,
    '',
    label(heading),
    ...classes,
    ...(data.classes.length > LISTED ? [`and ${data.classes.length - LISTED} more`] : []),
    ...data.warnings.map((warning) => `${line.paint('caution', 'warning:')} ${warning}`),
    '',
  ];
}

/** The settings in force, as `--set` takes them. */
function recipe({ settings, training, augment, precision }: RunConfig): string {
  const all = Object.entries({ ...settings, ...training, augment, precision });
  const shown = (value: unknown): string => {
    const text = JSON.stringify(value) ?? '';
    return Array.isArray(value) && text.length > 60 ? `(${value.length} values)` : text;
  };
  return all.map(([name, value]) => `${name}=${shown(value)}`).join(' ');
}

/** What else was fitted to the same pictures, and whether one of them is clearly better. */
export function alternativesText(alternatives: readonly AlternativeFacts[], accuracy: number, method: string): string[] {
  const [first] = alternatives;
  if (!first) return [];
  const told = alternatives.map(({ title, validation, test }) => `${title} ${percent(validation)} (test ${percent(test)})`);
  const [best] = [...alternatives].filter(({ isClearlyBetter }) => isClearlyBetter).sort((a, b) => b.validation - a.validation);
  return [
    `on ${counted(first.count, 'validation picture', 'validation pictures')}: ${methodNamed(method).title} ${percent(accuracy)}; fitted to the same: ${told.join(', ')}`,
    ...(best
      ? [
          `${best.title} is clearly better here: ${command(`train --method ${best.method} ...`)} with the same flags takes seconds; --method auto chooses by itself`,
        ]
      : []),
  ];
}

/** How steps run, and how much of what they may take they do. */
function choiceText({ rematerialization, bytes: most, budget }: StepChoice): string {
  const limit = `${bytes(budget.bytes)}${budget.isAsked ? '' : ', a guess'}`;
  return `${describeRematerialization(rematerialization)}: ${bytes(most)} of ${limit}${most > budget.bytes ? '; less is not possible' : ''}`;
}

function accuracyText({ metrics, split }: Evaluation): string {
  const { accuracy, macroF1, count } = metrics;
  return `${percent(accuracy)} of ${count} ${split} pictures, macro F1 over ${counted(classesWithPictures(metrics), 'class', 'classes')} ${percent(macroF1)}`;
}

/** Within two standard deviations of guessing, and no more than half as often right again. */
function isNearChance({ metrics }: Evaluation, classes: number): boolean {
  const chance = 1 / Math.max(1, classes);
  const deviation = Math.sqrt((chance * (1 - chance)) / Math.max(1, metrics.count));
  return classes > 1 && metrics.count > 0 && metrics.accuracy / 100 <= chance + Math.min(2 * deviation, chance / 2);
}

function tellEstimate(line: StatusLine, estimate: Estimate): number {
  const { classes, trainPictures, testPictures, parameters, updates, secondsPerUpdate, trainingSeconds, evaluationSeconds } =
    estimate;
  line.print(
    `${classes} classes, ${trainPictures} training and ${testPictures} test pictures; ${parameters.toLocaleString('en')} numbers to learn`,
  );
  const updatesText = updates === 0 ? '' : ` (${updates} updates of ${secondsPerUpdate.toFixed(2)} s)`;
  line.print(`training    about ${duration(trainingSeconds)}${updatesText}`);
  line.print(`evaluation  about ${duration(evaluationSeconds)}, before and after`);
  line.print(`memory      ${bytes(estimate.bytes)} on the adapter`);
  if (estimate.choice) {
    const { choice } = estimate;
    line.print(`plan        ${choiceText(choice)}`);
    for (const text of consideredTable(choice)) line.print(`            ${text}`);
  }
  line.print('measured on two steps; nothing was written');
  return 0;
}

/** What was weighed up, one way a line. */
function consideredTable({ considered, rematerialization: chosen }: StepChoice): string[] {
  const rows = considered.map(({ rematerialization, bytes: most, flops }) => [
    rematerialization === chosen ? '->' : '',
    describeRematerialization(rematerialization),
    Number.isFinite(most) ? bytes(most) : 'a tensor is too large',
    Number.isFinite(flops) ? `${(flops / 1e9).toPrecision(3)} GFLOP` : '',
  ]);
  return table([['', 'a step', 'memory', 'work'], ...rows], { right: [2, 3], most: 100 });
}

function finish(line: StatusLine, { folder, summary }: RunResult, report: string | undefined): number {
  const path = pathFromHere(folder.path);
  if (summary.state === 'stopped') {
    line.print(`stopped after ${summary.training.epochsDone} whole epochs; continue with: ${command(`train --resume ${path}`)}`);
    return 130;
  }
  const of = (what: string): number => summary.evaluations.findLast((own) => own.what === what)?.metrics.accuracy ?? 0;
  const gain = of('tuned') - of('zero-shot');
  line.print();
  const points = line.paint(gain >= 0 ? 'good' : 'bad', `${gain >= 0 ? '+' : ''}${gain.toFixed(1)} points`);
  // Zero-shot with other templates learns nothing, so it gains nothing.
  const word = summary.method.name === 'zero-shot' ? 'difference' : 'gain';
  line.print(line.paint('strong', `${word}: ${percent(of('zero-shot'))} -> ${percent(of('tuned'))} (${points})`));
  if (summary.data.unreadable.length > 0) {
    line.print(
      `${counted(summary.data.unreadable.length, 'picture could not be read and was', 'pictures could not be read and were')} left out:`,
    );
    for (const { id, why } of summary.data.unreadable.slice(0, 5)) line.print(`  ${id}: ${why}`);
  }
  line.print(`time ${duration(summary.training.seconds)}, most memory ${bytes(summary.training.peakBytes)}`);
  line.print(`results in ${path}`);
  if (report !== undefined) line.print(`report  ${pathFromHere(report)}`);
  return 0;
}
