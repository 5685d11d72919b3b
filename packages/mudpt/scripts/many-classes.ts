/**
 * What many classes cost: random features through the evaluation's ranking and metrics, the run's files, the report, and reading back, with time,
 * memory and the longest block of the event loop. Usage: tsx packages/mudpt/scripts/many-classes.ts [classes] [images]
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { argv, cpuUsage, memoryUsage } from 'node:process';
import { randomFrom } from '@mudpt/autograd';
import type { Item } from '../src/data/index.ts';
import { type ImagePrediction, rankLogits } from '../src/evaluation/predictions.ts';
import { writeReport } from '../src/report/index.ts';
import { resolveConfig, RunFolder, type RunSummary } from '../src/runs/index.ts';
import { evaluationOf, predictionLines } from '../src/runs/training/summary.ts';

const [classes, images] = [Number(argv[2] ?? 1000), Number(argv[3] ?? 50_000)];
/** Numbers of a feature, images whose logits are made at once, and how far a feature lies from its class. */
const [WIDTH, AT_ONCE, NOISE] = [32, 200, 0.35];
const random = randomFrom(1);
const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, () => random() - 0.5);

let [longest, last] = [0, performance.now()];
setInterval(() => {
  const now = performance.now();
  longest = Math.max(longest, now - last);
  last = now;
}, 1).unref();

async function timed<T>(what: string, body: () => Promise<T> | T): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  longest = 0;
  const [begun, used] = [performance.now(), cpuUsage()];
  const made = await body();
  const { user, system } = cpuUsage(used);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const seconds = [(performance.now() - begun) / 1000, (user + system) / 1e6].map((value) => value.toFixed(2));
  console.log(
    `${what.padEnd(22)} ${seconds[0]} s, ${seconds[1]} s of processor, longest block ${longest.toFixed(0)} ms, ${(memoryUsage.rss() / 2 ** 20).toFixed(0)} MiB`,
  );
  return made;
}

/** Features around the means of their classes, and their products with those. */
async function predict(noise: number): Promise<ImagePrediction[]> {
  const means = numbers(classes * WIDTH);
  const predictions: ImagePrediction[] = [];
  for (let from = 0; from < images; from += AT_ONCE) {
    const items = Array.from({ length: Math.min(AT_ONCE, images - from) }, (_, index): Item => {
      const id = from + index;
      return { id: `images/val/ILSVRC2012_val_${id}.JPEG`, image: `val/${id}.JPEG`, label: id % classes };
    });
    const logits = new Float32Array(items.length * classes);
    for (const [row, { label }] of items.entries()) {
      const shift = numbers(WIDTH);
      const feature = shift.map((value, column) => noise * value + (1 - noise) * (means[label * WIDTH + column] ?? 0));
      for (let other = 0; other < classes; other++) {
        let sum = 0;
        for (let column = 0; column < WIDTH; column++) sum += (feature[column] ?? 0) * (means[other * WIDTH + column] ?? 0);
        logits[row * classes + other] = 10 * sum;
      }
    }
    predictions.push(...rankLogits(items, logits, classes));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return predictions;
}

const path = await mkdtemp(join(tmpdir(), 'many-classes-'));
try {
  console.log(`${classes} classes, ${images} images, load ${loadavg()[0]?.toFixed(1)}`);
  const before = await timed('features and ranking', () => predict(2 * NOISE));
  const after = await timed('the same, tuned', () => predict(NOISE));
  const kind = { data: 'simulated', split: 'test', classes: 'all' } as const;
  const measured = await timed('metrics', () => [
    evaluationOf({ ...kind, what: 'zero-shot' }, before, classes),
    evaluationOf({ ...kind, what: 'tuned' }, after, classes),
  ]);
  const folder = new RunFolder(path);
  await folder.create();
  await folder.writeConfig(resolveConfig({ method: 'coop', data: 'simulated', model: 'simulated' }));
  const tower = { layers: 12 };
  const digest = '0'.repeat(64);
  const summary: RunSummary = {
    format: 2,
    marks: { config: digest, data: digest, images: digest, model: digest },
    state: 'finished',
    data: {
      name: 'simulated',
      template: 'a photo of a {}.',
      classes: Array.from({ length: classes }, (_, label) => ({
        name: `class ${label}`,
        prompt: '',
        train: 16,
        val: 0,
        test: images / classes,
      })),
      warnings: [],
      unreadable: [],
    },
    model: { name: 'simulated', hash: digest, imageSize: 224, config: { text: tower, image: tower } },
    method: { name: 'coop', title: 'CoOp', summary: 'simulated', parameters: 1 },
    adapter: 'none',
    evaluations: measured.map(({ evaluation }) => evaluation),
    training: { epochs: 1, stepsPerEpoch: 1, epochsDone: 1, seconds: 1, peakBytes: 1 },
  };
  await timed('files of the run', async () => {
    for (const { evaluation, confusion } of measured) await folder.writeConfusion(evaluation, confusion);
    await folder.writePredictions(predictionLines(before, after));
    await folder.writeSummary(summary);
  });
  const report = await timed('report', () => writeReport({ folder, dataset: { splits: { train: [], val: [], test: [] } } }));
  await timed('reading the summary', () => folder.readSummary());
  await timed('reading confusions', async () => {
    for (const { evaluation } of measured) await folder.readConfusion(evaluation);
  });
  for (const file of [report, folder.file('summary'), folder.file('predictions')])
    console.log(`${file.slice(path.length + 1).padEnd(22)} ${((await stat(file)).size / 2 ** 20).toFixed(2)} MiB`);
} finally {
  if (!argv.includes('--keep')) await rm(path, { recursive: true, force: true });
  else console.log(path);
}
