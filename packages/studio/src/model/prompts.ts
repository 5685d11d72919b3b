/** What was learnt as files: those that `mudpt predict` reads as a run's folder, and that the page takes back. */
import type { Clip } from '@mudpt/clip';
import {
  type Method,
  methodNamed,
  openPromptFacts,
  promptBytes,
  type PromptDescription,
  restorePromptBytes,
  sealed,
  YAML_SEAL,
} from 'mudpt/core';
import type { ModelFacts, PromptFiles, TrainingPlan, WireDataset } from '../worker/protocol.ts';
import { pageError } from '../worker/rpc.ts';
import type { Exif } from './features.ts';
import { createMethod } from './learn.ts';

/** @throws NotFiniteError for numbers that are not finite */
export async function writePrompts(
  method: Method,
  plan: TrainingPlan,
  { classNames, template }: Pick<WireDataset, 'classNames' | 'template'>,
  model: ModelFacts,
  accuracy?: PromptDescription['accuracy'],
): Promise<PromptFiles> {
  const { name, hash, embed } = model;
  const { shots, seed, settings, training } = plan;
  const { tensors, facts } = await promptBytes(method, {
    method: method.name,
    settings: { ...settings },
    model: { name, hash, embed },
    data: 'studio',
    template,
    classNames: [...classNames],
    shots,
    seed,
    ...(accuracy && { accuracy }),
  });
  const config = { data: 'studio', dataGiven: true, template, method: method.name, model: name, shots, seed, settings, training };
  return { tensors, facts, config: await sealedConfig(config) };
}

/** The configuration of a run of which only the two files of prompts were given. */
export async function configOf(text: string): Promise<string> {
  const { data, template, method, model, shots, seed, settings, exif } = await openPromptFacts(text);
  const turned = exif && { exif };
  return sealedConfig({
    data,
    dataGiven: true,
    template,
    method,
    model: model.name,
    shots,
    seed,
    settings,
    training: {},
    ...turned,
  });
}

function sealedConfig(config: Readonly<Record<string, unknown>>): Promise<string> {
  // JSON is YAML.
  return sealed(`${JSON.stringify(config, undefined, 1)}\n`, YAML_SEAL);
}

/** Whether a run turned photographs upright: prompt files say so themselves; those of earlier versions, only the run's `config.yaml`. */
export function exifOf({ exif }: PromptDescription, config: string): Exif | undefined {
  return exif ?? (/^exif: apply$/m.test(config) ? 'apply' : undefined);
}

/**
 * The method that the two files hold, for the classes it was learnt with. The caller disposes it.
 * @throws StudioError for another base model; FormatError for damaged files
 */
export async function readPrompts(
  tensors: Blob | Uint8Array,
  text: string,
  clip: Clip,
  model: ModelFacts,
): Promise<{ readonly method: Method; readonly facts: PromptDescription }> {
  const facts = await openPromptFacts(text);
  if (facts.model.hash !== model.hash) throw pageError('otherModel', facts.model.name, model.name);
  methodNamed(facts.method);
  const method = await createMethod(clip, facts, facts);
  try {
    await restorePromptBytes(tensors, facts, method, clip.device);
    return { method, facts };
  } catch (error) {
    method.dispose();
    throw error;
  }
}
