/**
 * `pnpm bench:scale [CLASSES] [IMAGES] [SEEDS]`: a whole sweep over many classes and images, through the code of the commands. Features of images are random,
 * in place of the pass through the image tower, which `pnpm bench towers` measures. Tells time, processor time and memory of each stage.
 */
import { link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HostTensor, randomWeights, saveHuggingFace } from '@mudpt/clip';
import { randomFrom } from '@mudpt/autograd';
import { Device, keep, randn } from '@mudpt/tensor';
import { shapeImage } from '@mudpt/testing/images';
import { TINY } from '@mudpt/testing/models/small-clip';
import { collectCommand } from '../packages/mudpt/src/cli/collect.ts';
import { openDataset } from '../packages/mudpt/src/datasets/index.ts';
import { SharedFeatures } from '../packages/mudpt/src/evaluation/shared-features.ts';
import { writeReport } from '../packages/mudpt/src/report/index.ts';
import { evaluateRun, openRun, RunCache, RunFolder } from '../packages/mudpt/src/runs/index.ts';
import { executeCell, Workplace } from '../packages/mudpt/src/sweep/execute.ts';
import { makePlan } from '../packages/mudpt/src/sweep/make-plan.ts';
import { readPlan, writePlan } from '../packages/mudpt/src/sweep/plan.ts';

const [classes = 1000, images = 50_000, seeds = 3] = process.argv.slice(2).map(Number);
/** Channels of ViT-B/16's features. */
const EMBED = 512;
const METHODS = ['zero-shot', 'tip-adapter'];

/** Features as a large model would give them, without the model. */
class RandomFeatures extends SharedFeatures {
  private seed = 0;

  override get: SharedFeatures['get'] = (_key, items, device) =>
    Promise.resolve({
      features: keep(randn([items.length, EMBED], { key: (this.seed += 1), device })),
      items,
      labels: Int32Array.from(items, ({ label }) => label),
    });
}

/** Runs a stage and tells what it took. Memory is the most that the process held so far. */
async function stage<T>(name: string, body: () => Promise<T>): Promise<T> {
  const [began, before] = [performance.now(), process.cpuUsage()];
  const result = await body();
  const { user, system } = process.cpuUsage(before);
  const [wall, processor] = [(performance.now() - began) / 1000, (user + system) / 1e6];
  const peak = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${name.padEnd(46)} ${wall.toFixed(1).padStart(7)} s ${processor.toFixed(1).padStart(7)} s ${peak.toFixed(0).padStart(7)} MiB`,
  );
  return result;
}

/** Class folders whose files are links to a few images: their contents count for nothing here. */
async function writeData(folder: string): Promise<void> {
  const shapes = ['red circle', 'blue cross'].map((name, index) => shapeImage(name, index));
  const files: string[] = [];
  for (let index = 0; index * 20_000 <= images + classes; index++) {
    files.push(join(folder, `source${index}.png`));
    await writeFile(files[index] as string, shapes[index % 2] as Uint8Array);
  }
  let count = 0;
  for (const [split, perClass] of [['train', 1] as const, ['test', Math.ceil(images / classes)] as const])
    for (let label = 0; label < classes; label++) {
      const at = join(folder, 'many', split, `class ${label}`);
      await mkdir(at, { recursive: true });
      for (let index = 0; index < perClass; index++)
        await link(files[count++ % files.length] as string, join(at, `${index}.png`));
    }
}

async function writeModel(folder: string): Promise<void> {
  const config = { ...TINY, embed: EMBED };
  const weights = new Map(Object.entries(randomWeights(config, randomFrom(0))));
  await saveHuggingFace(folder, {
    config,
    towers: ['image', 'text'],
    weights: new Map([...weights.keys()].map((name) => [name, { dtype: 'F32' }])),
    read: async (name) => weights.get(name) as HostTensor,
  });
}

const at = await mkdtemp(join(tmpdir(), 'mudpt-scale-'));
try {
  const [data, model, sweep] = [join(at, 'many'), join(at, 'model'), join(at, 'S')];
  await writeData(at);
  await writeModel(model);
  const cache = new RunCache({ folder: join(at, 'cache') });
  Object.defineProperty(cache, 'features', { value: new RandomFeatures() });
  const workplace = new Workplace(() => Device.open(), cache);
  const device = await workplace.device();
  console.log(`${classes} classes, ${images} test images, features random [N, ${EMBED}], ${device.adapter.name}`);
  console.log(`${'stage'.padEnd(46)} ${'time'.padStart(9)} ${'processor'.padStart(9)} ${'peak'.padStart(11)}`);
  const signal = new AbortController().signal;
  await stage('plan', async () => {
    const request = {
      protocols: ['few-shot' as const],
      methods: METHODS,
      data: [data],
      shots: [1],
      seeds: Array.from({ length: seeds }, (_, index) => index + 1),
    };
    await writePlan(sweep, await makePlan({ ...request, root: at, model, assignments: [], settings: 'model' }));
  });
  const plan = await readPlan(sweep);
  const { cells } = plan;
  for (const cell of cells)
    await stage(`run: ${cell.method}, seed ${cell.seed}`, async () => {
      let reason: unknown;
      const onFailure = (error: unknown): void => void (reason = error);
      const outcome = await executeCell(sweep, cell, { workplace, plan, signal, wait: true, onFailure });
      if (outcome !== 'done') throw new Error(`${cell.id} ${outcome}`, { cause: reason });
    });
  const path = join(sweep, 'runs', cells.at(-1)?.id ?? '');
  const run = await openRun(path, { device, openModel: workplace.models.open.bind(workplace.models) });
  await stage('evaluate: zero-shot and tuned', () => evaluateRun(run, { data, cache }));
  const dataset = await openDataset(data, {});
  await stage('report', () =>
    writeReport({ folder: new RunFolder(path), dataset, learnt: { clip: run.base.clip, method: run.method } }),
  );
  await run.close();
  const write = process.stdout.write.bind(process.stdout);
  await stage(`collect ${cells.length} cells, paired tests`, async () => {
    // The tables are not what is looked at here.
    process.stdout.write = () => true;
    try {
      const code = await collectCommand(sweep, { format: 'text', spread: 'std', pair: [METHODS.join(',')] });
      if (code !== 0) throw new Error('collect found gaps');
    } finally {
      process.stdout.write = write;
    }
  });
  await workplace.close();
} finally {
  await rm(at, { recursive: true, force: true });
}
