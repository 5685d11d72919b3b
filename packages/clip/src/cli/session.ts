/** What the commands share: their surroundings and flags, a model with an output, batches of files, progress. */
import { readFile } from 'node:fs/promises';
import type { Device, Tensor } from '@mudpt/tensor';
import type { Clip } from '../clip.ts';
import { printable } from '../printable.ts';
import type { TowerName, WeightDType } from '../weight-shapes.ts';
import { loadClip, type LoadProgress } from '../weights/index.ts';
import { type PreparedFile, preparedBatches } from './batches.ts';
import { OutputFile } from './output-file.ts';
import { type Format, Writer } from './output.ts';

/** The command's surroundings: console, terminal, exit status, and what tests replace. */
export type Surroundings = {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  /** Whether progress is shown. */
  readonly isTerminal: boolean;
  readonly signal: AbortSignal;
  /** Called with the number of files that could not be read, once it is known. */
  readonly onUnreadable: (count: number, of: number) => void;
  readonly open: () => Promise<Device>;
};

/** Flags of the commands that write one output. */
export type OutputFlags = {
  readonly format: Format;
  readonly output?: string;
  readonly batch: number;
  readonly exif: 'ignore' | 'apply';
  readonly dtype?: WeightDType;
  readonly revision?: string;
  readonly offline?: boolean;
};

/** Runs `body` with the model and a writer of the output, and releases both. */
export async function withModel(
  model: string,
  towers: readonly TowerName[],
  { format, output, dtype, revision, offline }: OutputFlags,
  around: Surroundings,
  body: (clip: Clip, writer: Writer) => Promise<void>,
): Promise<void> {
  const { signal } = around;
  const device = await around.open();
  const onProgress = ({ stage, loaded, total }: LoadProgress): void =>
    progress(around, `${stage} ${(loaded / 2 ** 20).toFixed(0)} of ${(total / 2 ** 20).toFixed(0)} MiB`);
  const hub = { ...(revision !== undefined && { revision }), ...(offline && { offline }) };
  using clip = await loadClip(model, { device, towers, onProgress, signal, ...(dtype && { dtype }), ...hub });
  const file = output === undefined ? undefined : await OutputFile.open(output);
  const writer = new Writer(format, file ? (text) => file.write(text) : around.stdout);
  try {
    await body(clip, writer);
    writer.end();
    await file?.finish();
  } finally {
    progress(around, '');
    await file?.discard();
  }
}

/** Calls `body` with one batch of files after another, prepared ahead of their use; unreadable files do not stop it. */
export async function forBatches(
  clip: Clip,
  files: readonly string[],
  { batch, exif }: OutputFlags,
  around: Surroundings,
  body: (images: Tensor | undefined, files: readonly PreparedFile[]) => Promise<void>,
): Promise<void> {
  if (files.length === 0) return;
  const { device, config } = clip;
  const { normalization, resizing } = config;
  const options = { config: config.image, normalization, resizing, batch, exif, signal: around.signal };
  let [done, bad] = [0, 0];
  for await (const { images, prepared } of preparedBatches(files, options, device)) {
    using _batch = images;
    await body(images, prepared);
    done += prepared.length;
    bad += prepared.filter(({ why }) => why !== undefined).length;
    progress(around, `${done} of ${files.length} images`);
  }
  if (bad > 0) around.onUnreadable(bad, files.length);
}

/** Shows progress in one line, which the next call overwrites. */
export function progress({ isTerminal, stderr }: Surroundings, text: string): void {
  if (isTerminal) stderr(`\r\u001b[2K${printable(text).slice(0, 79)}`);
}

/** The lines of a text file that are not blank; none without a path. */
export async function linesOf(path: string | undefined): Promise<string[]> {
  if (path === undefined) return [];
  const text = await readFile(path, 'utf8');
  return text.split(/\r?\n/).filter((one) => one.trim() !== '');
}
