/**
 * Features of the pictures that a fitted method learns from, kept in the run's folder until fitting is over: on a large model they take
 * hours, and a run that was stopped or killed goes on after the last set that was whole.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '@mudpt/clip/files';
import { type Device, FormatError, keep, loadTensor, openSafetensors, tensorToWrite, writeSafetensors } from '@mudpt/tensor';
import { exists } from '../data/files.ts';
import { fingerprint, type Item } from '../data/index.ts';
import { expectFinite } from '../train/finite.ts';
import type { RunMarks } from '../runs/identity.ts';
import type { Features } from '../evaluation/scoring.ts';

export class FeatureStore {
  /** @param path folder of one file a set */
  constructor(
    private readonly path: string,
    private readonly marks: RunMarks,
  ) {}

  /**
   * The set of that name, or undefined where none was kept. The caller disposes it.
   * @throws FormatError when it belongs to another configuration, model or other pictures
   */
  async load(name: string, items: readonly Item[], device: Device): Promise<Features | undefined> {
    const path = this.fileOf(name);
    if (!(await exists(path))) return undefined;
    await using file = await openSafetensors(path, { checksum: true });
    if (file.metadata['belongs'] !== this.markOf(items))
      throw new FormatError(
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

  /** Keeps a set, if every item of it could be read: what is left out must be told anew. */
  async save(name: string, items: readonly Item[], { features, items: seen }: Features): Promise<void> {
    if (seen.length < items.length) return;
    await makeFolder(this.path);
    const tensors = new Map([['features', tensorToWrite(features)]]);
    await writeSafetensors(this.fileOf(name), tensors, { checksum: true, metadata: { belongs: this.markOf(items) } });
  }

  async clear(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }

  private fileOf(name: string): string {
    return join(this.path, `${name}.safetensors`);
  }

  private markOf(items: readonly Item[]): string {
    return JSON.stringify({ ...this.marks, items: fingerprint(items) });
  }
}
