/**
 * Checks a full-size CLIP with random weights against an f64 reference on the host, and prints what it costs. Minutes on a CPU adapter.
 *
 *   node scripts/launch.mjs tsx packages/clip/scripts/full-size.ts [ViT-B/16] [--f16] [--classes 100]
 */
import { parseArgs } from 'node:util';
import { randomFrom } from '@mudpt/autograd';
import { Device, tensor, type Tensor } from '@mudpt/tensor';
import {
  CLIP_CONFIGS,
  type Clip,
  type ClipName,
  clipFromTensors,
  createTokenizer,
  randomWeights,
  type TokenIds,
} from '@mudpt/clip';
import { imageReference, textReference } from '../test/reference.ts';

/** Class names of the length that data sets have. */
const NAMES = ['dog', 'tabby cat', 'golden retriever', 'fire engine', 'hot air balloon', 'daisy', 'sports car', 'mushroom'];
const RUNS = 3;

type Timing = { readonly seconds: number; readonly result: Float32Array };

/** Best time of several runs, reading the result; the first run compiles and does not count. */
async function time(run: () => Promise<Tensor>): Promise<Timing> {
  let [best, result] = [Infinity, new Float32Array()];
  for (let i = 0; i <= RUNS; i += 1) {
    const begin = performance.now();
    using features = await run();
    result = Float32Array.from(await features.data());
    if (i > 0) best = Math.min(best, (performance.now() - begin) / 1000);
  }
  return { seconds: best, result };
}

/** Largest difference, relative to the largest value. */
function errorOf(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const values = Array.from(expected);
  const largest = Math.max(...values.map(Math.abs));
  return Math.max(...values.map((value, i) => Math.abs(value - (actual[i] ?? Number.NaN)))) / largest;
}

async function checkImage(clip: Clip, weights: ReturnType<typeof randomWeights>, device: Device): Promise<number> {
  const { size } = clip.config.image;
  const random = randomFrom(11);
  const pixels = Float32Array.from({ length: 3 * size * size }, () => 4 * random() - 2);
  using images = tensor(pixels, { shape: [1, 3, size, size], device });
  const one = await time(() => clip.encodeImage(images));
  console.log(`image tower: ${one.seconds.toFixed(3)} s an image`);
  const error = errorOf(one.result, imageReference(clip.config, weights, pixels));
  console.log(`image features: largest difference to f64 ${error.toExponential(1)} of the largest value`);
  return error;
}

async function checkText(clip: Clip, weights: ReturnType<typeof randomWeights>, classes: number): Promise<number> {
  const tokenizer = await createTokenizer();
  const texts = Array.from({ length: classes }, (_, i) => `a photo of a ${NAMES[i % NAMES.length]}.`);
  const ids: TokenIds = tokenizer.encodeBatch(texts, { contextLength: clip.config.text.context });
  const packed = await time(() => clip.encodeText(ids));
  const whole = await time(() => clip.encodeText(ids, { packed: false }));
  console.log(
    `text tower, ${classes} classes: ${(packed.seconds / classes).toFixed(4)} s a class packed, ` +
      `${(whole.seconds / classes).toFixed(4)} s with ${clip.config.text.context} rows (${(whole.seconds / packed.seconds).toFixed(1)} times as long)`,
  );
  console.log(`packed and whole rows differ by ${errorOf(packed.result, whole.result).toExponential(1)}`);
  const { embed } = clip.config;
  const errors = [...new Set([0, classes - 1])].map((row) => {
    const text = tokenizer.encode(texts[row] ?? '');
    const expected = textReference(clip.config, weights, text, text.length - 1);
    return errorOf(packed.result.subarray(row * embed, (row + 1) * embed), expected);
  });
  console.log(`text features: largest difference to f64 ${Math.max(...errors).toExponential(1)} of the largest value`);
  return Math.max(...errors);
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { f16: { type: 'boolean', default: false }, classes: { type: 'string', default: '100' } },
  });
  const name = (positionals[0] ?? 'ViT-B/16') as ClipName;
  const config = CLIP_CONFIGS[name];
  const classes = Number(values.classes);
  if (!config || !(classes >= 1)) {
    console.error(`usage: full-size.ts [${Object.keys(CLIP_CONFIGS).join(' | ')}] [--f16] [--classes N]`);
    return 2;
  }
  const device = await Device.open();
  const weights = randomWeights(config, randomFrom(1));
  using clip = clipFromTensors(config, weights, { device, dtype: values.f16 ? 'f16' : 'f32' });
  console.log(`${name} on ${device.adapter.name}, weights ${values.f16 ? 'f16' : 'f32'}: ${megabytes(device)} on the device`);
  const errors = [await checkImage(clip, weights, device), await checkText(clip, weights, classes)];
  console.log(`peak memory of the device: ${(device.memory().peakBytes / 2 ** 20).toFixed(0)} MiB`);
  // f16 weights carry a relative rounding of 5e-4 each.
  const allowed = values.f16 ? 1e-2 : 1e-4;
  const passed = Math.max(...errors) < allowed;
  console.log(`${passed ? 'PASS' : 'FAIL'}: within ${allowed}`);
  return passed ? 0 : 1;
}

function megabytes(device: Device): string {
  return `${(device.memory().liveBytes / 2 ** 20).toFixed(0)} MiB`;
}

process.exitCode = await main();
