/** The base model of a run. */
import { fileURLToPath } from 'node:url';
import { type Clip, type ClipConfig, loadClip, openWeights } from '@mudpt/clip';
import type { Device } from '@mudpt/tensor';
import { exists } from '../../data/files.ts';
import type { RunConfig } from '../settings/settings.ts';

/** The model that comes with the package: a small CLIP trained on drawn icons. */
const EMBEDDED = fileURLToPath(new URL('../../../assets/clip', import.meta.url));

export interface BaseModel {
  readonly name: string;
  /** SHA-256 of its weights. */
  readonly hash: string;
  readonly clip: Clip;
  /** Gives the model back: whoever opened it may not use it afterwards. */
  close(): void;
}

/** How a base model is opened, see {@link openModel}. */
export type OpenModel = typeof openModel;

/** @throws InputError when there is no such model; FormatError when its files are damaged */
export async function openModel(
  { model, precision }: Pick<RunConfig, 'model' | 'precision'>,
  device: Device,
  signal?: AbortSignal,
): Promise<BaseModel> {
  const clip = await loadClip(model === 'embedded' ? EMBEDDED : model, { device, dtype: precision, ...(signal && { signal }) });
  return { name: model, hash: clip.hash ?? '', clip, close: () => clip.dispose() };
}

/** The sizes of a model that lies here; undefined for one that would have to be fetched. Its weights are not read. */
export async function sizesOf(model: string): Promise<ClipConfig | undefined> {
  const path = model === 'embedded' ? EMBEDDED : model;
  if (!(await exists(path))) return undefined;
  const source = await openWeights(path, { onWarning: () => undefined });
  try {
    return source.config;
  } finally {
    await source.close();
  }
}
