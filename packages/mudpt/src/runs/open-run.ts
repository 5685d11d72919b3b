/** A finished run, opened to evaluate and to predict. */
import type { Device } from '@mudpt/tensor';
import type { BatchLoader } from '../data/index.ts';
import type { Method } from '../methods/index.ts';
import { changedPlugins } from '../plugins/load.ts';
import { type BaseModel, type OpenModel, openModel } from './model.ts';
import { createMethod, runLoader } from './prepare.ts';
import { expectModel, loadPrompts, type PromptFacts, readPromptFacts } from './prompt-file.ts';
import { RunFolder } from './run-folder.ts';
import type { RunConfig } from './settings.ts';

/** A run's model with what was learnt on it. */
export interface TunedModel {
  readonly folder: RunFolder;
  readonly config: RunConfig;
  readonly facts: PromptFacts;
  readonly base: BaseModel;
  /** For the classes it was learnt with. */
  readonly method: Method;
  readonly loader: BatchLoader;
  /** What a person should know before believing its numbers. One sentence each. */
  readonly notes: readonly string[];
  close(): Promise<void>;
}

export interface TunedOptions {
  readonly device: Device;
  /** Where the base model lies now. Default: where the run had it. */
  readonly model?: string;
  /** Another choice than the run's, see `DecodeOptions`. */
  readonly exif?: 'ignore' | 'apply';
  /** How the base model is opened, see `RunOptions`. */
  readonly openModel?: OpenModel;
}

/**
 * Opens a finished run.
 * @throws InputError when the folder holds none, or the base model is another one; FormatError when its files are damaged
 */
export async function openRun(
  path: string,
  { device, model, exif, openModel: open = openModel }: TunedOptions,
): Promise<TunedModel> {
  const folder = new RunFolder(path);
  const config = { ...(await folder.readConfig()), ...(exif && { exif }) };
  const paths = { tensors: folder.file('prompts'), facts: folder.file('promptFacts') };
  const facts = await readPromptFacts(paths);
  const base = await open({ ...config, model: model ?? config.model }, device);
  let method: Method | undefined;
  try {
    expectModel(paths, facts, base.hash, base.name);
    const made = await createMethod(base.clip, { ...facts, settings: facts.settings }, facts);
    method = made;
    await loadPrompts(paths, facts, made, device);
    const loader = runLoader(base.clip, config, made);
    const close = async (): Promise<void> => {
      made.dispose();
      base.close();
      await loader.close();
    };
    return { folder, config, facts, base, method: made, loader, notes: changedPlugins(config.plugins), close };
  } catch (error) {
    method?.dispose();
    base.close();
    throw error;
  }
}
