/** One session of a run, from its beginning or from a checkpoint: zero-shot accuracy, training, accuracy, prompts, in one folder. */
import { counted } from '../../data/dataset.ts';
import type { BatchLoader, Item } from '../../data/index.ts';
import { fitTemperature } from '../../evaluation/calibration.ts';
import { FeatureSample } from '../../evaluation/feature-sample.ts';
import { loadImported } from '../../import/index.ts';
import { budgetOf } from '../../memory/budget.ts';
import { layoutOf, type Method, methodNamed, type TrainingSettings } from '../../methods/index.ts';
import { DivergedError } from '../../train/diverged.ts';
import { countLearnt } from '../../train/fit.ts';
import { expectRoomForEpochs } from '../files/epoch-files.ts';
import { FeatureStore } from '../material/feature-store.ts';
import { frozenFeatures, frozenTexts } from '../material/frozen-features.ts';
import { compareWithOthers, measureTuned, measureZeroShot, validate } from './measuring.ts';
import { lengthOfRun } from '../settings/length.ts';
import { createMethod, runLoader } from '../material/prepare.ts';
import { writePrompts } from '../files/prompt-file.ts';
import type { RunSummary } from '../records/records.ts';
import type { RunResult } from './run-options.ts';
import { forwardOptions, type SessionParts, type Stage } from './stage.ts';
import { accuracies, firstSummary, predictionLines, promptFacts } from './summary.ts';
import { SummaryRecord } from '../files/summary-record.ts';
import type { NewClasses } from '../../train/trainer-options.ts';
import { lengthOf } from '../../train/updates.ts';
import { expectBudget, fitMethod, newClassesOf, trainMethod } from './training.ts';

/**
 * Runs it to its end, or until it is asked to stop.
 * @param notes sentences to be told once everything is open
 * @throws DivergedError once the summary says so; whatever a stage throws
 */
export async function runSession(parts: SessionParts, notes: readonly string[]): Promise<RunResult> {
  const { folder, config, dataset, base, options, resume, lock } = parts;
  const { observer, signal } = options;
  const shared = { base, config, cache: options.cache };
  const summary = new SummaryRecord(folder, lock, firstSummary(parts));
  const result = (last: RunSummary): RunResult => ({ folder, config, summary: last });
  let method: Method | undefined;
  let loader: BatchLoader | undefined;
  try {
    const budget = budgetOf(config.memory, base.clip.device);
    method = await createMethod(base.clip, config, dataset);
    // Impossible requests are refused before anything is written or measured.
    if (config.imported) await loadImported(method, base.clip, config.imported);
    else if (method.kind === 'prompts') {
      expectRoomForEpochs(countLearnt(method), lengthOfRun(config, parts.dataset.splits.train.length).epochs, config.keepEpochs);
      expectBudget(parts, method, budget);
    }
    const newClasses = await newClassesOf(parts, method);
    // Earlier evaluations stay until they are repeated, because those on other data or classes may never be.
    if (resume) summary.begin({ evaluations: resume.evaluations });
    else await folder.clear();
    await folder.create();
    if (!resume) await folder.writeConfig(config);
    loader = runLoader(base.clip, config, method);
    await summary.note({ method: factsOf(method) });
    observer?.onReady?.(summary.current, config);
    const remarks = (method.kind === 'prompts' && method.remarks) || [];
    for (const note of [...notes, ...remarks]) observer?.onNote?.(note);
    const sample = options.afterwards && config.report === 'yes' ? new FeatureSample() : undefined;
    const isStopped = await measureAndLearn(
      { ...parts, summary, budget, loader, sample, frozen: frozenFeatures(shared, loader), frozenTexts: frozenTexts(shared) },
      method,
      newClasses,
    );
    if (isStopped) return result(await summary.note({ state: 'stopped' }));
    // A run marked as finished is never changed again, so everything else is written before the mark.
    await folder.writeResults(summary.current, config);
    await summary.note({ state: 'finished', data: { ...summary.current.data, unreadable: loader.unreadable } });
    const features = sample?.sampled;
    await options.afterwards?.({ folder, dataset, clip: base.clip, method, ...(features && { features }) });
    return result(summary.current);
  } catch (error) {
    // Asked to stop between two batches of an evaluation, where the checkpoint stands, or in a report of what has finished already.
    if (signal?.aborted && error === signal.reason)
      return result(summary.current.state === 'finished' ? summary.current : await summary.note({ state: 'stopped' }));
    if (error instanceof DivergedError) {
      const { divergence, training } = error;
      const { epochs } = lengthOf(config.training as TrainingSettings, training.stepsPerEpoch);
      await summary.note({ state: 'diverged', training: { ...summary.current.training, ...training, epochs, divergence } });
      await options.afterwards?.({ folder, dataset, clip: base.clip, method: undefined });
    }
    throw error;
  } finally {
    method?.dispose();
    await loader?.close();
  }
}

/** What a summary says of a method. */
function factsOf(method: Method): RunSummary['method'] {
  const { title, summary } = methodNamed(method.name);
  const parameters = countLearnt(method);
  return {
    name: method.name,
    title,
    summary,
    parameters,
    ...(method.kind === 'prompts' && { layout: layoutOf(method.spec, method.example) }),
  };
}

/** Zero-shot accuracy, training, accuracy, and the files they go to. @returns whether it was asked to stop while training */
async function measureAndLearn(stage: Stage, method: Method, newClasses: NewClasses | undefined): Promise<boolean> {
  const { folder, dataset, base, options, loader, summary, marks } = stage;
  const { train: given, test: tests } = dataset.splits;
  const store = new FeatureStore(folder.file('features'), marks);
  // Training images are looked at while kernels are compiled and the adapter works.
  const onChecked = (done: number): void => options.observer?.onPart?.('pictures', done, given.length);
  const checked = loader.check(given, onChecked, options.signal);
  // Its error is thrown where the result is needed, because zero-shot's error may come first.
  checked.catch(() => undefined);
  const test = await stage.frozen(tests, forwardOptions(stage, 'zero-shot', tests.length));
  try {
    const zeroShot = await measureZeroShot(stage, test);
    const train = await readable(stage, checked);
    if (method.kind === 'features') await fitMethod(stage, method, train, store);
    else if (!stage.config.imported && (await trainMethod(stage, method, train, newClasses))) return true;
    base.clip.device.trim();
    const tuned = await measureTuned(stage, method, test);
    await folder.writePredictions(predictionLines(zeroShot, tuned));
    await summary.note({ lengths: { metrics: await folder.metrics.bytes(), predictions: tuned.length } });
    const validation = await validate(stage, method);
    await writeLearnt(stage, method, validation && fitTemperature(validation));
    // Features of a fit are of no more use once what was fitted is safe.
    await store.clear();
    if (method.kind === 'prompts' && validation) await compareWithOthers(stage, test, validation);
    return false;
  } finally {
    test.features.dispose();
  }
}

/** The training images that can be read; what cannot is noted. */
async function readable({ summary, loader, dataset, options }: Stage, checked: Promise<Item[]>): Promise<Item[]> {
  const train = await checked;
  await summary.note({ data: { ...summary.current.data, unreadable: loader.unreadable } });
  const lost = dataset.splits.train.length - train.length;
  if (lost > 0)
    options.observer?.onNote?.(
      `${counted(lost, 'training picture is left out: it', 'training pictures are left out: they')} cannot be read`,
    );
  return train;
}

async function writeLearnt(stage: Stage, method: Method, temperature: number | undefined): Promise<void> {
  const { folder, summary } = stage;
  await writePrompts({ tensors: folder.file('prompts'), facts: folder.file('promptFacts') }, method, {
    ...promptFacts(stage),
    ...(temperature !== undefined && { temperature }),
    accuracy: accuracies(summary.current.evaluations),
  });
}
