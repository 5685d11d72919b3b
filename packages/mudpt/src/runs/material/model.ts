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
  /** Gives the model back; the caller must not use it afterwards. */
  close(): void;
}

/** The settings by which a model's features differ in their last digits. */
export type Numerics = Pick<RunConfig, 'precision' | 'activations'>;

/** Both settings of a configuration, or their defaults. */
export function numericsOf({ precision = 'f32', activations = 'f32' }: Partial<Numerics>): Numerics {
  return { precision, activations };
}

/**
 * What tells features of one model apart, as part of a key: exactly that of earlier versions where there was no choice of activations.
 */
export function numericsKey({ precision, activations }: Numerics): { readonly precision: string; readonly activations?: string } {
  return { precision, ...(activations !== 'f32' && { activations }) };
}

/** How a base model is opened, see {@link openModel}. */
export type OpenModel = typeof openModel;

/** @throws InputError when there is no such model; FormatError when its files are damaged */
export async function openModel(
  { model, precision, activations }: Numerics & Pick<RunConfig, 'model'>,
  device: Device,
  signal?: AbortSignal,
): Promise<BaseModel> {
  const path = model === 'embedded' ? EMBEDDED : model;
  const clip = await loadClip(path, { device, dtype: precision, activationDType: activations, ...(signal && { signal }) });
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
