/**
 * Features of the images that a fitted method learns from, kept in the run's folder until fitting is over: on a large model they take
 * hours, and a run that was stopped or killed goes on after the last set that was whole.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@mudpt/clip/files';
import { type Device, InputError, keep, loadTensor, openSafetensors, tensorToWrite, writeSafetensors } from '@mudpt/tensor';
import { canonicalText, isEqual } from '@mudpt/tensor/internal';
import { exists } from '../../data/files.ts';
import { fingerprint, type Item } from '../../data/index.ts';
import { expectFinite } from '../../evaluation/finite.ts';
import type { RunMarks } from '../settings/identity.ts';
import type { Features } from '../../evaluation/image-features.ts';
import type { FeatureKeeper } from '../../train/fit.ts';

export class FeatureStore implements FeatureKeeper {
  /** @param path folder of one file a set */
  constructor(
    private readonly path: string,
    private readonly marks: RunMarks,
  ) {}

  /** @throws InputError when it belongs to another configuration, model or other images; FormatError when it is damaged */
  async load(name: string, items: readonly Item[], device: Device): Promise<Features | undefined> {
    const path = this.fileOf(name);
    if (!(await exists(path))) return undefined;
    await using file = await openSafetensors(path, { checksum: true });
    if (!isEqual(parsed(file.metadata['belongs']), this.marksOf(items)))
      throw new InputError(
        'resume',
        `${path} was made with another configuration, model or other pictures`,
        'put them back, or begin anew with --fresh',
      );
    const features = keep(await loadTensor(file, 'features', { device, dtype: 'f32' }));
    await expectFinite('resume', path, [['features', features]], device, 'delete the file: it is computed again').catch(
      (error) => {
        features.dispose();
        throw error;
      },
    );
    return { features, items, labels: Int32Array.from(items, ({ label }) => label) };
  }

  async save(name: string, items: readonly Item[], { features, items: seen }: Features): Promise<void> {
    if (seen.length < items.length) return;
    await makeFolder(this.path);
    const tensors = new Map([['features', tensorToWrite(features)]]);
    await writeSafetensors(this.fileOf(name), tensors, {
      checksum: true,
      metadata: { belongs: canonicalText(this.marksOf(items)) },
    });
  }

  async clear(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  private fileOf(name: string): string {
    return join(this.path, `${name}.safetensors`);
  }

  private marksOf(items: readonly Item[]): RunMarks & { readonly items: string } {
    return { ...this.marks, items: fingerprint(items) };
  }
}

function parsed(text = ''): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A file without marks belongs to no run.
    return undefined;
  }
}
