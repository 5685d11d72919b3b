/** The state that the stages of a run share. */
import type { FeatureSample } from '../../evaluation/feature-sample.ts';
import type { ForwardOptions } from '../../evaluation/forward.ts';
import type { FrozenFeatures } from '../material/frozen-features.ts';
import type { OnceComputed } from '../../evaluation/predict.ts';
import type { Budget } from '../../memory/choice.ts';
import { evaluationBatch } from '../../memory/evaluation-batch.ts';
import type { BatchLoader, Dataset } from '../../data/index.ts';
import type { PromptMethod } from '../../methods/index.ts';
import type { FileLock } from '@mudpt/tensor';
import type { RunSummary } from '../records/records.ts';
import type { RunFolder } from '../files/run-folder.ts';
import type { RunOptions } from './run-options.ts';
import type { RunFacts } from './summary.ts';
import type { SummaryRecord } from '../files/summary-record.ts';

/** The inputs of a session. */
export interface SessionParts extends RunFacts {
  readonly folder: RunFolder;
  /** The run's summary as it was last written; undefined for a new run. */
  readonly resume: RunSummary | undefined;
  /** Makes this process the only one that writes the run. */
  readonly lock: FileLock;
  readonly options: RunOptions;
  /** The data set that was given as a value, before few-shot sampling and with all classes. */
  readonly given: Dataset | undefined;
}

/** The inputs, with what the session has opened for its stages. */
export interface Stage extends SessionParts {
  readonly summary: SummaryRecord;
  readonly budget: Budget;
  readonly loader: BatchLoader;
  /** Features of the frozen model, of images and of texts, shared with other runs. */
  readonly frozen: FrozenFeatures;
  readonly frozenTexts: OnceComputed;
  /** Features for the report; undefined where none is made. */
  readonly sample: FeatureSample | undefined;
}

/**
 * How images go through a model, with progress told under the name of the stage.
 * @param method where images go through more than the frozen image tower
 */
export function forwardOptions(
  { base, config, options, budget }: Pick<Stage, 'base' | 'config' | 'options' | 'budget'>,
  what: string,
  total: number,
  method?: PromptMethod,
): ForwardOptions {
  const { signal, observer } = options;
  return {
    batch: evaluationBatch(base.clip, config.evaluationBatch, method, budget),
    ...(signal && { signal }),
    onProgress: (done: number) => observer?.onPart?.(what, done, total),
  };
}
