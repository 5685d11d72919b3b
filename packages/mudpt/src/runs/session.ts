/** One session of a run, from its beginning or from a checkpoint: zero-shot accuracy, training, accuracy, prompts, in one folder. */
import type { FileLock } from '@mudpt/tensor';
import { counted } from '../data/dataset.ts';
import type { BatchLoader, Item } from '../data/index.ts';
import { type FeatureMethod, type Method, methodNamed, type PromptMethod, type TrainingSettings } from '../methods/index.ts';
import { tryAlternatives } from './alternatives.ts';
import { fitTemperature } from '../evaluation/calibration.ts';
import { countLearnt, fitFeatures } from '../train/fit.ts';
import { budgetOf } from '../memory/budget.ts';
import { DivergedError } from '../train/diverged.ts';
import { NotFiniteError } from '../train/finite.ts';
import type { Budget } from '../memory/choice.ts';
import { FeatureStore } from '../features/feature-store.ts';
import { createMethod, runLoader } from './prepare.ts';
import { writePrompts } from './prompt-file.ts';
import type { Evaluation, RunSummary } from './records.ts';
import type { RunFolder } from './run-folder.ts';
import type { RunOptions, RunResult } from './run-options.ts';
import {
  type Features,
  imageFeatures,
  metricsOfScores,
  type Score,
  scoreLogits,
  scoreMethod,
  scoreZeroShot,
  scoringBatch,
} from '../evaluation/scoring.ts';
import { accuracies, firstSummary, predictions, promptFacts, type RunFacts } from './summary.ts';
import { updatesOf } from '../train/throughput.ts';
import { Stepper } from '../train/step.ts';
import { trainPrompts } from '../train/trainer.ts';

/** What a session works with. */
export interface SessionParts extends RunFacts {
  readonly folder: RunFolder;
  /** What the run said of itself when it was last written; undefined for a new run. */
  readonly resume: RunSummary | undefined;
  /** Makes this process the only one that writes the run. */
  readonly lock: FileLock;
  readonly options: RunOptions;
}

export class Session {
  private summary: RunSummary;
  private readonly budget: Budget;
  private readonly store: FeatureStore;

  constructor(private readonly parts: SessionParts) {
    this.summary = firstSummary(parts);
    this.budget = budgetOf(parts.config.memory, parts.base.clip.device);
    this.store = new FeatureStore(parts.folder.file('features'), parts.marks);
  }

  async go(notes: readonly string[]): Promise<RunResult> {
    const { folder, config, dataset, base, options } = this.parts;
    const { observer, signal } = options;
    let method: Method | undefined;
    let loader: BatchLoader | undefined;
    try {
      // What was measured before stands until it is measured again: on other data or classes it may never be.
      const { resume } = this.parts;
      method = await createMethod(base.clip, config, dataset);
      // What cannot be is told before anything is written or measured.
      this.expectBudget(method);
      if (resume) this.summary = { ...this.summary, evaluations: resume.evaluations };
      else await folder.clear();
      await folder.create();
      if (!resume) await folder.writeConfig(config);
      loader = runLoader(base.clip, config, method);
      await this.describe(method);
      observer?.onReady?.(this.summary, config);
      for (const note of notes) observer?.onNote?.(note);
      const isStopped = await this.measureAndTrain(method, loader);
      if (isStopped) return await this.stopped();
      // A run that says it has finished is never touched again, so everything else is written before.
      await folder.writeResults(this.summary, config);
      await this.note({ state: 'finished', data: { ...this.summary.data, unreadable: loader.unreadable } });
      await options.afterwards?.({ folder, dataset, clip: base.clip, method });
      return { folder, config, summary: this.summary };
    } catch (error) {
      // Asked to stop between two batches of an evaluation: the checkpoint stands.
      if (signal?.aborted && error === signal.reason) return await this.stopped();
      if (error instanceof DivergedError) {
        const { divergence, training } = error;
        const { epochs } = config.training as TrainingSettings;
        await this.note({ state: 'diverged', training: { ...this.summary.training, ...training, epochs, divergence } });
        await options.afterwards?.({ folder, dataset, clip: base.clip, method: undefined });
      }
      throw error;
    } finally {
      method?.dispose();
      await loader?.close();
    }
  }

  private async stopped(): Promise<RunResult> {
    const { folder, config } = this.parts;
    return { folder, config, summary: await this.note({ state: 'stopped' }) };
  }

  /** Zero-shot accuracy, training, accuracy, and the files they go to. @returns whether it was asked to stop while training */
  private async measureAndTrain(method: Method, loader: BatchLoader): Promise<boolean> {
    const { folder, dataset, base, options } = this.parts;
    const { train: given, test: tests } = dataset.splits;
    // Training pictures are looked at while kernels are compiled and the adapter works.
    const onChecked = (done: number): void => options.observer?.onPart?.('pictures', done, given.length);
    const checked = loader.check(given, onChecked, options.signal);
    // An error is thrown where the result is needed; zero-shot's own may come before.
    checked.catch(() => undefined);
    const test = await imageFeatures(base.clip, loader, tests, this.scoring('zero-shot', tests.length));
    try {
      const zeroShot = await this.zeroShot(test);
      const train = await checked;
      await this.note({ data: { ...this.summary.data, unreadable: loader.unreadable } });
      if (train.length < given.length)
        options.observer?.onNote?.(
          `${counted(given.length - train.length, 'training picture is left out: it', 'training pictures are left out: they')} cannot be read`,
        );
      const isStopped =
        method.kind === 'prompts' ? await this.trainPrompts(method, loader, train) : await this.fit(method, loader, train);
      if (isStopped) return true;
      base.clip.device.trim();
      const tuned = await this.tuned(method, loader, test);
      await folder.writePredictions(predictions(zeroShot, tuned));
      await this.note({ lengths: { metrics: await folder.metricsBytes(), predictions: tuned.length } });
      const accuracy = accuracies(this.summary.evaluations);
      const paths = { tensors: folder.file('prompts'), facts: folder.file('promptFacts') };
      const validation = await this.validate(method, loader);
      const temperature = validation && fitTemperature(validation);
      await writePrompts(paths, method, {
        ...promptFacts(this.parts),
        ...(temperature !== undefined && { temperature }),
        accuracy,
      });
      // Features of a fit are of no more use once what was fitted is safe.
      await this.store.clear();
      if (method.kind === 'prompts' && validation) await this.tryAlternatives(loader, test, validation);
      return false;
    } finally {
      test.features.dispose();
    }
  }

  /** @throws FormatError naming the smallest budget that works, when one was asked for and is too small */
  private expectBudget(method: Method): void {
    const { base, config, dataset } = this.parts;
    if (method.kind !== 'prompts' || !this.budget.isAsked) return;
    const settings = config.training as TrainingSettings;
    const count = dataset.splits.train.length;
    const { group } = updatesOf(count, settings.batchSize, config.accumulate);
    const { size } = base.clip.config.image;
    using stepper = new Stepper(base.clip.device, method, settings, group);
    stepper.choose(this.budget, [Math.min(settings.batchSize, count), 3, size, size]);
  }

  /** Puts the method's facts into the summary. */
  private async describe(method: Method): Promise<void> {
    const { title, summary } = methodNamed(method.name);
    const parameters = countLearnt(method);
    await this.note({
      method: { name: method.name, title, summary, parameters, ...(method.kind === 'prompts' && { layout: method.layout }) },
    });
  }

  private async zeroShot(test: Features): Promise<Score[]> {
    const scores = await scoreZeroShot(this.parts.base.clip, test, this.parts.dataset);
    await this.evaluated('zero-shot', scores);
    return scores;
  }

  private async trainPrompts(method: PromptMethod, loader: BatchLoader, train: readonly Item[]): Promise<boolean> {
    const { folder, config, dataset, base, resume, options, marks, lock } = this.parts;
    const { observer, signal } = options;
    const settings = config.training as TrainingSettings;
    const result = await trainPrompts({
      clip: base.clip,
      method,
      loader,
      train,
      val: dataset.splits.val,
      config,
      settings,
      folder,
      marks,
      resume: resume !== undefined,
      expectWriter: () => lock.expectHeld(),
      budget: this.budget,
      signal,
      onChoice: observer?.onChoice?.bind(observer),
      onProgress: observer?.onProgress?.bind(observer),
      onEpoch: observer?.onEpoch?.bind(observer),
    });
    const { isStopped, ...facts } = result;
    await this.note({ training: { ...facts, epochs: settings.epochs } });
    return isStopped;
  }

  private async fit(method: FeatureMethod, loader: BatchLoader, train: readonly Item[]): Promise<boolean> {
    const { base, dataset, config, resume, options } = this.parts;
    if (!resume) await this.store.clear();
    const { report, seconds } = await fitFeatures({
      clip: base.clip,
      method,
      loader,
      train,
      val: dataset.splits.val,
      store: this.store,
      scoring: (what, total) => this.scoring(what, total),
    });
    for (const remark of report.remarks) options.observer?.onNote?.(remark);
    const { training, method: facts } = this.summary;
    const epochs = (config.training as Partial<TrainingSettings>).epochs ?? 0;
    await this.note({
      method: { ...facts, parameters: countLearnt(method), fit: report },
      training: { ...training, epochs, epochsDone: epochs, seconds, peakBytes: base.clip.device.memory().peakBytes },
    });
    return false;
  }

  private async tuned(method: Method, loader: BatchLoader, test: Features): Promise<Score[]> {
    const { dataset } = this.parts;
    const scores =
      method.kind === 'prompts'
        ? await this.prompted(method, loader, test.items)
        : await scoreLogits(test, dataset.classNames.length, (features) => method.evaluate(features));
    await this.evaluated('tuned', scores);
    return scores;
  }

  /** Prompts may be finite and yet so large that nothing finite follows from them. */
  private async prompted(method: PromptMethod, loader: BatchLoader, items: readonly Item[]): Promise<Score[]> {
    const { base, config } = this.parts;
    try {
      return await scoreMethod(base.clip, method, loader, items, this.scoring('evaluation', items.length, method));
    } catch (cause) {
      if (!(cause instanceof NotFiniteError)) throw cause;
      const { training } = this.summary;
      const { epochs, lr } = config.training as TrainingSettings;
      const place = { epoch: epochs - 1, step: Math.max(0, training.stepsPerEpoch - 1), lr, askedLr: lr };
      throw new DivergedError({ ...place, loss: 'finite', what: cause.problem }, training, { cause });
    }
  }

  /** What the method makes of the validation pictures, with the probabilities of all classes; undefined without any. */
  private async validate(method: Method, loader: BatchLoader): Promise<Score[] | undefined> {
    const { base, dataset } = this.parts;
    const { val } = dataset.splits;
    if (val.length === 0) return undefined;
    const classes = dataset.classNames.length;
    const scoring = {
      ...this.scoring('validation', val.length, method.kind === 'prompts' ? method : undefined),
      keep: classes,
    };
    if (method.kind === 'prompts') return scoreMethod(base.clip, method, loader, val, scoring);
    const features = await imageFeatures(base.clip, loader, val, scoring);
    try {
      return await scoreLogits(features, classes, (rows) => method.evaluate(rows), classes);
    } finally {
      features.features.dispose();
    }
  }

  private async tryAlternatives(loader: BatchLoader, test: Features, validation: readonly Score[]): Promise<void> {
    const { base, config, dataset, options } = this.parts;
    const accuracy = metricsOfScores(validation, dataset.classNames.length).accuracy;
    await this.note({ validation: accuracy });
    if (!config.alternatives || validation.length === 0) return;
    const alternatives = await tryAlternatives({
      clip: base.clip,
      dataset,
      seed: config.seed,
      loader,
      test,
      validation,
      scoring: (what, total) => this.scoring(what, total),
    });
    await this.note({ alternatives });
    options.observer?.onAlternatives?.(alternatives, accuracy);
  }

  private async evaluated(what: Evaluation['what'], scores: readonly Score[]): Promise<void> {
    const { dataset, config, options } = this.parts;
    const metrics = metricsOfScores(scores, dataset.classNames.length);
    const time = new Date().toISOString();
    const evaluation: Evaluation = { what, data: dataset.name, split: 'test', classes: config.classes, metrics, time };
    const others = this.summary.evaluations.filter(
      (other) => other.what !== what || other.data !== dataset.name || other.classes !== config.classes,
    );
    await this.note({ evaluations: [...others, evaluation] });
    options.observer?.onEvaluation?.(evaluation);
  }

  /** @param method where pictures go through more than the frozen image tower */
  private scoring(what: string, total: number, method?: PromptMethod) {
    const { base, config, options } = this.parts;
    return {
      batch: scoringBatch(base.clip, config.evaluationBatch, method, this.budget),
      ...(options.signal && { signal: options.signal }),
      onProgress: (done: number) => options.observer?.onPart?.(what, done, total),
    };
  }

  private async note(change: Partial<RunSummary>): Promise<RunSummary> {
    this.summary = { ...this.summary, ...change };
    await this.parts.lock.expectHeld();
    await this.parts.folder.writeSummary(this.summary);
    return this.summary;
  }
}
