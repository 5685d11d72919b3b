/**
 * Checks a full-size CLIP with random weights against an f64 reference on the host, and prints what it costs. Minutes on a CPU adapter.
 *
 *   node scripts/launch.mjs tsx packages/clip/scripts/full-size.ts [ViT-B/16] [--f16] [--classes 100] [--formats]
 *
 * With --formats the model is written to a temporary folder in the formats of Hugging Face, open_clip and OpenAI (TorchScript), and each is
 * loaded back and checked.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { randomFrom } from '@mudpt/autograd';
import { Device, tensor, type Tensor } from '@mudpt/tensor';
import {
  CLIP_CONFIGS,
  type Clip,
  type ClipConfig,
  type ClipName,
  clipFromTensors,
  createTokenizer,
  loadClip,
  randomWeights,
  type TokenIds,
} from '@mudpt/clip';
import { imageReference, textReference } from '@mudpt/testing/reference/clip';
import { halved, writeFormats } from '@mudpt/testing/weights/formats';

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

/** What the f64 reference gives, computed once however many models are checked. */
class Reference {
  private readonly known = new Map<string, Float64Array>();

  constructor(
    private readonly config: ClipConfig,
    private readonly weights: ReturnType<typeof randomWeights>,
  ) {}

  image(pixels: Float32Array): Float64Array {
    return this.once('image', () => imageReference(this.config, this.weights, pixels));
  }

  text(ids: readonly number[]): Float64Array {
    return this.once(ids.join(), () => textReference(this.config, this.weights, ids, ids.length - 1));
  }

  private once(key: string, compute: () => Float64Array): Float64Array {
    const found = this.known.get(key) ?? compute();
    this.known.set(key, found);
    return found;
  }
}

async function checkImage(clip: Clip, reference: Reference, device: Device): Promise<number> {
  const { size } = clip.config.image;
  const random = randomFrom(11);
  const pixels = Float32Array.from({ length: 3 * size * size }, () => 4 * random() - 2);
  using images = tensor(pixels, { shape: [1, 3, size, size], device });
  const one = await time(() => clip.encodeImage(images));
  console.log(`image tower: ${one.seconds.toFixed(3)} s an image`);
  const error = errorOf(one.result, reference.image(pixels));
  console.log(`image features: largest difference to f64 ${error.toExponential(1)} of the largest value`);
  return error;
}

async function checkText(clip: Clip, reference: Reference, classes: number): Promise<number> {
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
    return errorOf(packed.result.subarray(row * embed, (row + 1) * embed), reference.text(text));
  });
  console.log(`text features: largest difference to f64 ${Math.max(...errors).toExponential(1)} of the largest value`);
  return Math.max(...errors);
}

/** A model to check: what it is called, and how it comes about. */
type Model = readonly [name: string, make: () => Promise<Clip>];

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      f16: { type: 'boolean', default: false },
      formats: { type: 'boolean', default: false },
      classes: { type: 'string', default: '100' },
    },
  });
  const name = (positionals[0] ?? 'ViT-B/16') as ClipName;
  const config = CLIP_CONFIGS[name];
  const classes = Number(values.classes);
  if (!config || !(classes >= 1)) {
    console.error(`usage: full-size.ts [${Object.keys(CLIP_CONFIGS).join(' | ')}] [--f16] [--classes N] [--formats]`);
    return 2;
  }
  const device = await Device.open();
  const dtype = values.f16 ? 'f16' : 'f32';
  const weights = randomWeights(config, randomFrom(1));
  const reference = new Reference(config, weights);
  const folder = values.formats ? await mkdtemp(join(tmpdir(), 'full-size-')) : undefined;
  // f16 weights carry a relative rounding of 5e-4 each.
  const allowed = values.f16 ? 1e-2 : 1e-4;
  const errors: number[] = [];
  const hashes = new Set<string | undefined>();
  try {
    const models: Model[] = [];
    if (folder === undefined) models.push([name, async () => clipFromTensors(config, weights, { device, dtype })]);
    else {
      const written = await writeFormats(folder, config, values.f16 ? halved(weights) : weights);
      for (const [format, path] of written) models.push([`${name} from ${format}`, () => loadClip(path, { device, dtype })]);
    }
    for (const [title, make] of models) {
      const begin = performance.now();
      using clip = await make();
      const seconds = ((performance.now() - begin) / 1000).toFixed(1);
      console.log(`${title} on ${device.adapter.name}, weights ${dtype}: ${megabytes(device)} on the device after ${seconds} s`);
      errors.push(await checkImage(clip, reference, device), await checkText(clip, reference, classes));
      hashes.add(clip.hash);
    }
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true });
  }
  console.log(`peak memory of the device: ${(device.memory().peakBytes / 2 ** 20).toFixed(0)} MiB`);
  if (hashes.size > 1) console.log(`the formats gave ${hashes.size} different models: ${[...hashes].join(', ')}`);
  const passed = Math.max(...errors) < allowed && hashes.size === 1;
  console.log(`${passed ? 'PASS' : 'FAIL'}: within ${allowed}`);
  return passed ? 0 : 1;
}

function megabytes(device: Device): string {
  return `${(device.memory().liveBytes / 2 ** 20).toFixed(0)} MiB`;
}

process.exitCode = await main();
