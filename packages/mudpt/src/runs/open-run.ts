/** A finished run, opened to evaluate and to predict. */
import type { Device } from '@mudpt/tensor';
import type { BatchLoader } from '../data/index.ts';
import type { Method } from '../methods/index.ts';
import { type BaseModel, openModel } from './model.ts';
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
  close(): Promise<void>;
}

export interface TunedOptions {
  readonly device: Device;
  /** Where the base model lies now. Default: where the run had it. */
  readonly model?: string;
  /** Another choice than the run's, see `DecodeOptions`. */
  readonly exif?: 'ignore' | 'apply';
}

/**
 * Opens a finished run.
 * @throws FormatError when the folder holds none, or the base model is another one
 */
export async function openRun(path: string, { device, model, exif }: TunedOptions): Promise<TunedModel> {
  const folder = new RunFolder(path);
  const config = { ...(await folder.readConfig()), ...(exif && { exif }) };
  const paths = { tensors: folder.file('prompts'), facts: folder.file('promptFacts') };
  const facts = await readPromptFacts(paths);
  const base = await openModel({ ...config, model: model ?? config.model }, device);
  let method: Method | undefined;
  try {
    expectModel(paths, facts, base.hash, base.name);
    const made = await createMethod(base.clip, { ...facts, settings: facts.settings }, facts);
    method = made;
    await loadPrompts(paths, facts, made, device);
    const loader = runLoader(base.clip, config, made);
    const close = async (): Promise<void> => {
      made.dispose();
      base.clip.dispose();
      await loader.close();
    };
    return { folder, config, facts, base, method: made, loader, close };
  } catch (error) {
    method?.dispose();
    base.clip.dispose();
    throw error;
  }
}
