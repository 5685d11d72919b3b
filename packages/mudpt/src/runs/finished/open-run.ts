/** A finished run, opened to evaluate and to predict. */
import type { Device } from '@mudpt/tensor';
import type { BatchLoader } from '../../data/index.ts';
import type { Method } from '../../methods/index.ts';
import { changedPlugins } from '../../plugins/load.ts';
import { EpochFiles } from '../files/epoch-files.ts';
import { type BaseModel, numericsOf, type OpenModel, openModel } from '../material/model.ts';
import { createMethod, runLoader } from '../material/prepare.ts';
import { expectModel, loadPrompts, type PromptFacts, readPromptFacts } from '../files/prompt-file.ts';
import { RunFolder } from '../files/run-folder.ts';
import type { RunConfig } from '../settings/settings.ts';

/** A run's model with what was learnt on it. */
export interface TunedModel {
  readonly folder: RunFolder;
  readonly config: RunConfig;
  readonly facts: PromptFacts;
  readonly base: BaseModel;
  /** For the classes it was learnt with. */
  readonly method: Method;
  readonly loader: BatchLoader;
  /** The epoch, from 1, after which its learnt tensors are taken; undefined: what the run ended with. */
  readonly epoch?: number;
  /** Warnings about its numbers, one sentence each. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

export interface TunedOptions {
  readonly device: Device;
  /** The base model's present location. Default: where the run had it. */
  readonly model?: string;
  /** Overrides the run's choice, see `DecodeOptions`. */
  readonly exif?: 'ignore' | 'apply';
  /** Takes what was learnt after this epoch, from 1, instead of what the run ended with. */
  readonly epoch?: number | undefined;
  /** Asks to stop while the base model is fetched. */
  readonly signal?: AbortSignal | undefined;
  /** How the base model is opened, see `RunOptions`. */
  readonly openModel?: OpenModel;
}

/**
 * Opens a finished run.
 * @throws InputError when the folder holds none, the epoch was not kept, or the base model is another one; FormatError when its files are damaged
 */
export async function openRun(
  path: string,
  { device, model, exif, epoch, signal, openModel: open = openModel }: TunedOptions,
): Promise<TunedModel> {
  const folder = new RunFolder(path);
  const config = { ...(await folder.readConfig()), ...(exif && { exif }) };
  const paths = { tensors: folder.file('prompts'), facts: folder.file('promptFacts') };
  const facts = await readPromptFacts(paths);
  const base = await open({ ...config, model: model ?? config.model }, device, signal);
  let method: Method | undefined;
  try {
    expectModel(paths, facts, base.hash, base.name);
    const made = await createMethod(base.clip, { ...facts, settings: facts.settings, ...numericsOf(config) }, facts);
    method = made;
    if (epoch === undefined) await loadPrompts(paths, facts, made, device);
    else await loadEpoch(folder, epoch, made, device);
    const loader = runLoader(base.clip, config, made);
    const close = async (): Promise<void> => {
      made.dispose();
      base.close();
      await loader.close();
    };
    // The temperature was fitted to what the run ended with.
    const told = epoch === undefined ? facts : { ...facts, temperature: undefined };
    const notes = changedPlugins(config.plugins);
    return { folder, config, facts: told, base, method: made, loader, notes, close, ...(epoch !== undefined && { epoch }) };
  } catch (error) {
    method?.dispose();
    base.close();
    throw error;
  }
}

async function loadEpoch(folder: RunFolder, epoch: number, method: Method, device: Device): Promise<void> {
  const { marks, training } = await folder.readSummary();
  await new EpochFiles(folder.file('epochs'), marks).load(epoch, training.epochs, method, device);
}
