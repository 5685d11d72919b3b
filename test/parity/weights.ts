/**
 * Checkpoints of the goldens' small CLIP in the formats people have, in a folder `weights` beside `zeroshot_clip_*.safetensors`, whose features
 * and logits each must give. Files that must be refused have names that say why.
 */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type Clip, loadClip, openWeights, type WeightDType } from '@mudpt/clip';
import { type Device, FormatError, openSafetensors, type SafetensorsReader, tensor, toFloat32, toInt32 } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { type Comparison, compare, missing } from './compare.ts';
import type { CaseResult, FileResult } from './report.ts';
import { messageOf } from './run.ts';

/** f16 weights are rounded once, by 2^-11 at most. */
const TOLERANCE = { f32: 1e-4, f16: 1e-2 } as const;

const REFUSALS: readonly { readonly name: RegExp; readonly says: RegExp }[] = [
  { name: /^legacy/, says: /pickle.*before version 1\.6/ },
  { name: /^hostile/, says: /runs code where Python loads it.*nothing was run/ },
];

/** The refusal that a file of this name must meet. */
function expectedRefusal(name: string): RegExp | undefined {
  return REFUSALS.find((refusal) => refusal.name.test(name))?.says;
}

/** Passes when the file is refused, by the error that says so, and nothing that it would run has left a trace here. */
async function runRefusal(path: string, says: RegExp): Promise<FileResult> {
  const before = await readdir('.');
  let verdict: Comparison = missing('refusal', 'the file was loaded');
  try {
    await (await openWeights(path)).close();
  } catch (error) {
    const told = messageOf(error);
    const passed = error instanceof FormatError && says.test(told);
    verdict = { tensor: 'refusal', error: undefined, passed, note: told };
  }
  const left = (await readdir('.')).filter((name) => !before.includes(name));
  if (left.length > 0) verdict = missing('refusal', `files appeared: ${left.join(', ')}`);
  return { path, cases: [{ name: 'refused', tensors: [verdict] }] };
}

/** Loads the file (or the folder of one) and compares features and logits; f16 files a second time with their matrices kept in f16. */
export async function runWeightsFile(path: string, open: () => Promise<Device>): Promise<FileResult> {
  const refusal = expectedRefusal(basename(path));
  if (refusal) return runRefusal(path, refusal);
  const model = await modelOf(path);
  const source = await openWeights(model);
  const isHalf = [...source.weights.values()].some(({ dtype }) => dtype === 'F16');
  const { config } = source;
  await source.close();
  const goldens = await goldensAbove(path);
  for (const golden of goldens) {
    await using file = await openSafetensors(golden);
    const { image_size: size, vision_width: width, text_width: textWidth, vocab } = file.metadata;
    const sizes = [config.image.size, config.image.width, config.text.width, config.text.vocabulary];
    if ([size, width, textWidth, vocab].map(Number).join() !== sizes.join()) continue;
    const device = await open();
    const cases: CaseResult[] = [];
    for (const dtype of isHalf && device.hasF16 ? (['f32', 'f16'] as const) : (['f32'] as const)) {
      const tensors = await compareModel(model, file, { device, dtype, tolerance: TOLERANCE[isHalf ? 'f16' : 'f32'] });
      cases.push({ name: `kept in ${dtype}`, tensors });
    }
    return { path, cases };
  }
  throw new Error(`no zeroshot_clip_*.safetensors of its sizes lies above it (${goldens.length} looked at)`);
}

/** In the folder that holds the folder `weights`. */
async function goldensAbove(path: string): Promise<string[]> {
  let folder = dirname(resolve(path));
  if (!/(^|[/\\])weights[^/\\]*$/.test(folder)) folder = dirname(folder);
  const above = dirname(folder);
  const names = (await readdir(above)).filter((name) => /^zeroshot_clip.*\.safetensors$/.test(name));
  return names.sort().map((name) => join(above, name));
}

interface ModelRun {
  readonly device: Device;
  readonly dtype: WeightDType;
  readonly tolerance: number;
}

async function compareModel(
  model: string,
  golden: SafetensorsReader,
  { device, dtype, tolerance }: ModelRun,
): Promise<Comparison[]> {
  using clip = await loadClip(model, { device, dtype });
  const verdicts: Comparison[] = [];
  for (const [name, actual] of await compute(clip, golden)) {
    const { shape, dtype: stored, bytes } = await golden.read(name);
    verdicts.push(compare(name, actual, { shape, values: toFloat32(stored, bytes) }, tolerance));
  }
  return verdicts;
}

type Host = { readonly shape: readonly number[]; readonly values: Float32Array };

async function compute(clip: Clip, golden: SafetensorsReader): Promise<Map<string, Host>> {
  const [image, ids] = [await golden.read('input.image'), await golden.read('input.token_ids')];
  using images = tensor(toFloat32(image.dtype, image.bytes), { shape: image.shape, device: clip.device });
  using imageFeatures = await clip.encodeImage(images);
  using textFeatures = await clip.encodeText({ ids: toInt32(ids.dtype, ids.bytes), contextLength: nth(ids.shape, 1) });
  using logits = clip.similarity(imageFeatures, textFeatures);
  const results = { image_features: imageFeatures, text_features: textFeatures, logits };
  const host = new Map<string, Host>();
  for (const [name, result] of Object.entries(results))
    host.set(`expect.${name}`, { shape: result.shape, values: Float32Array.from(await result.data()) });
  return host;
}

/** The folder of a model when `path` is the file of weights in one, else the file itself. */
async function modelOf(path: string): Promise<string> {
  const folder = dirname(resolve(path));
  return (await readdir(folder)).some((name) => name.endsWith('config.json')) ? folder : path;
}
