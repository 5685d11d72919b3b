/** CLIP's towers at full size with random weights: seconds per image, and per class with and without the exact text shortcuts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clip, CLIP_CONFIGS, createTokenizer, imageTokens, randomClip } from '@mudpt/clip';
import { type Device, scope, type Tensor, tensor } from '@mudpt/tensor';
import { type Effort, errorOf, measure, pick, type Row } from '../harness.ts';
import { places, values } from '../inputs.ts';
import { imageTowerModel } from '../onnx/image-tower.ts';
import { type Peer, runPeer } from '../peers/peer.ts';
import { OURS, PLAIN } from './ours.ts';

const NAME = 'ViT-B/16';
const SUITE = 'towers';
/** Words of class names as data sets have them: one to four tokens. */
const CLASS_WORDS = ['dog', 'tabby cat', 'golden retriever', 'fire engine', 'hot air balloon', 'daisy', 'sports car', 'mushroom'];

/** Multiply-adds counted as two: the linear layers of every token, and the attention of every pair. */
function towerFlops(width: number, layers: number, rows: number, pairs: number): number {
  return layers * (24 * rows * width * width + 4 * pairs * width);
}

export async function towers(
  device: Device,
  effort: Effort,
  options: { readonly classes: number; readonly peers: readonly Peer[]; readonly folder: string | undefined },
): Promise<Row[]> {
  const clip = randomClip(CLIP_CONFIGS[NAME], undefined, { device });
  try {
    return [...(await imageRows(device, clip, effort, options)), ...(await textRows(device, clip, effort, options.classes))];
  } finally {
    clip.dispose();
  }
}

async function imageRows(
  device: Device,
  clip: Clip,
  effort: Effort,
  { peers, folder }: { readonly peers: readonly Peer[]; readonly folder: string | undefined },
): Promise<Row[]> {
  const { image, config } = clip;
  if (!image) throw new Error('the random model has no image tower');
  const { size, width, layers } = config.image;
  const shape = [1, 3, size, size];
  using images = tensor(values(3 * size * size, 1), { shape, device });
  const tokens = imageTokens(config.image);
  const row = { suite: SUITE, name: `${NAME} image tower, one image`, flops: towerFlops(width, layers, tokens, tokens ** 2) };
  const at = places(config.embed);
  const secondOpinion = await plainly(device, () => pick(image.forward(images), at));
  const check = { at, expected: secondOpinion };
  const rows = [await measure(device, { ...row, engine: OURS }, () => image.forward(images), check, effort)];
  if (!folder) return rows;
  const weights = new Map<string, Float32Array>();
  for (const [name, weight] of image.weights()) weights.set(name, (await weight.data()) as Float32Array);
  const read = (name: string): Float32Array => {
    const data = weights.get(name);
    if (!data) throw new Error(`the tower has no weight ${name}`);
    return data;
  };
  const model = join(folder, 'image-tower.onnx');
  writeFileSync(model, imageTowerModel(config.image, config.embed, 1, read));
  const job = { kind: 'image tower', model, inputs: [{ name: 'images', shape, seed: 1 }] };
  for (const peer of peers.filter((one) => one.needsModel))
    rows.push(...(await runPeer(folder, peer, [{ job, row, check }], effort)));
  return rows;
}

async function textRows(device: Device, clip: Clip, effort: Effort, classes: number): Promise<Row[]> {
  const { text, config } = clip;
  if (!text) throw new Error('the random model has no text tower');
  const { width, layers, context } = config.text;
  const tokenizer = await createTokenizer();
  const texts = Array.from({ length: classes }, (_, i) => `a photo of a ${CLASS_WORDS[i % CLASS_WORDS.length]} ${i}.`);
  const ids = tokenizer.encodeBatch(texts, { contextLength: context });
  const whole = towerFlops(width, layers, classes * context, (classes * context * (context + 1)) / 2);
  const at = places(classes * config.embed);
  const expected = await scope(async () => await pick(text.forward(ids), at));
  const name = `${NAME} text tower, ${classes} classes`;
  const plain = { suite: SUITE, name, engine: PLAIN, flops: whole };
  const rows = [await measure(device, plain, () => text.forward(ids), { at, expected }, effort)];
  const packed = (): Promise<Tensor> => clip.encodeText(ids);
  const error = errorOf(await scope(async () => await pick(await packed(), at)), expected);
  const times: number[] = [];
  for (let i = 0; i < Math.min(effort.samples, 5); i += 1) {
    const begin = performance.now();
    await scope(async () => void (await packed()));
    await device.synchronize();
    times.push(performance.now() - begin);
  }
  const best = Math.min(...times);
  rows.push({ suite: SUITE, name, engine: OURS, best, median: times.sort((a, b) => a - b)[times.length >> 1] ?? best, error });
  return rows;
}

/** The same by other kernels: plain tiles and attention through workgroup memory share no code with what is timed. */
async function plainly<T>(device: Device, body: () => Promise<T>): Promise<T> {
  using _gemm = device.tuner.force('gemm', 'plain');
  using _attention = device.tuner.force('attention', 'tile');
  return scope(async () => await body());
}
