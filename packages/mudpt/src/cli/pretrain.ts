/** pnpm pretrain: trains the embedded model on drawn icons, measures it, and writes it as a folder. */
import { Device, TensorError, writeFileAtomic } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { join, resolve } from 'node:path';
import { Command } from 'commander';
import * as z from 'zod';
import { flagValue } from '../settings/fields.ts';
import { installIcons } from '../datasets/icons/sources/install.ts';
import { takeBest } from '../pretrain/best.ts';
import { modelCard } from '../pretrain/card.ts';
import { prepareMaterial, probesOf } from '../pretrain/material.ts';
import { publish } from '../pretrain/publish.ts';
import { RECIPE } from '../pretrain/recipe.ts';
import { reportOn } from '../pretrain/report.ts';
import { openLearner, pretrain, type Progress } from '../pretrain/run.ts';
import { smoke } from '../pretrain/smoke.ts';
import { errorText } from '../terminal/status-line.ts';

type Flags = {
  readonly out: string;
  readonly icons: string;
  readonly steps: string;
  readonly coolDown: string;
  readonly seed: string;
  readonly recolour?: boolean;
  readonly publish?: boolean;
  readonly measure?: string;
  readonly smoke?: boolean;
};

const program = new Command('pretrain')
  .description('trains the embedded CLIP on drawn icons, writes it as a folder and measures it; continues where --out stopped')
  .option('--out <folder>', 'checkpoint, log and model', 'runs/pretrain')
  .option('--steps <count>', 'updates in all', String(RECIPE.steps))
  .option('--cool-down <count>', 'the last updates, which lower the learning rate to 0', String(RECIPE.cooldown))
  .option('--seed <number>', 'of weights, batches and augmentation', String(RECIPE.seed))
  .option('--recolour', 'emoji also with a colour of its own for every colour of theirs; the embedded model did without')
  .option('--icons <folder>', 'where the icon packages are installed and rendered', '.cache/icons')
  .option('--publish', 'only write the model of the best state in --out, and measure it')
  .option('--measure <folder>', 'only measure a model that was written')
  .option('--smoke', 'a minute of training a tiny model that checks the machinery')
  .showHelpAfterError('(add --help for what there is)')
  .action(async (flags: Flags) => {
    if (flags.smoke) await runSmoke();
    else if (flags.measure !== undefined) await runMeasure(resolve(flags.measure), flags);
    else await run(flags);
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof TensorError)) throw error;
  process.stderr.write(errorText(error));
  process.exitCode = 1;
}

async function runSmoke(): Promise<void> {
  const device = await Device.open();
  const { losses, isBitEqual } = await smoke(device);
  device.dispose();
  const falls = nth(losses, losses.length - 1) < nth(losses, 0);
  console.log(`loss ${losses.map((loss) => loss.toFixed(3)).join(', ')}: ${falls ? 'it falls' : 'it does not fall'}`);
  console.log(isBitEqual ? 'the resumed run is bit-equal' : 'the resumed run differs');
  process.exitCode = falls && isBitEqual ? 0 : 1;
}

async function runMeasure(folder: string, { icons }: Flags): Promise<void> {
  const from = await installIcons(icons);
  const device = await Device.open();
  await measure(folder, device, from);
  device.dispose();
}

async function measure(folder: string, device: Device, from: string): Promise<void> {
  const text = JSON.stringify(await reportOn(folder, device, from), rounded, 2);
  await writeFileAtomic('pretrain', join(folder, 'accuracy.json'), `${text}\n`);
  await writeFileAtomic('pretrain', join(folder, 'README.md'), await modelCard(folder));
  console.log(text);
}

async function run(flags: Flags): Promise<void> {
  const recipe = {
    ...RECIPE,
    steps: flagValue('steps', flags.steps, z.int().positive()),
    cooldown: flagValue('cool-down', flags.coolDown, z.int().positive()),
    seed: flagValue('seed', flags.seed, z.int().nonnegative()),
    ...(flags.recolour ? { recoloured: true } : {}),
  };
  const from = await installIcons(flags.icons);
  const material = await prepareMaterial(recipe, { from, cache: flags.icons });
  console.log(`${material.drawings.length} drawings, ${material.tokenizer.vocabularySize} tokens`);
  const device = await Device.open();
  const out = resolve(flags.out);
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());
  const learner = flags.publish
    ? await openLearner({ recipe, material, device, out })
    : await pretrain({
        recipe,
        material,
        device,
        out,
        probes: await validationProbes(from),
        onProgress: printProgress,
        signal: interrupt.signal,
      });
  if (interrupt.signal.aborted) console.log(`stopped after update ${learner.step}; the same command goes on`);
  else {
    const folder = join(out, 'model');
    console.log(`the best state on validation is that after update ${await takeBest(learner, out)}`);
    await publish(learner, material, { out, folder });
    console.log(`the model is in ${folder}`);
    await measure(folder, device, from);
  }
  learner.dispose();
  device.dispose();
}

function rounded(_: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(10 * value) / 10 : value;
}

/** None of them a test image. */
async function validationProbes(from: string) {
  return {
    'held-out concepts': await probesOf({ styles: 'seen', concepts: 'validation' }, from),
    'held-out concepts, held-out style': await probesOf({ styles: ['openmoji'], concepts: 'validation' }, from),
    'seen concepts, held-out style': await probesOf({ styles: ['openmoji'], concepts: 'seen', every: 4 }, from),
    'seen concepts': await probesOf({ styles: 'seen', concepts: 'seen', every: 10 }, from),
  };
}

function printProgress({ step, steps, loss, lr, secondsPerStep, throughput, eta, validation }: Progress): void {
  const left = `${Math.floor(eta / 3600)}:${String(Math.floor((eta % 3600) / 60)).padStart(2, '0')} h`;
  console.log(
    `${step}/${steps}  loss ${loss.toFixed(3)}  lr ${lr.toExponential(2)}  ${secondsPerStep.toFixed(2)} s/step  ${throughput.imagesPerSecond.toFixed(0)} images/s  ${throughput.gflops.toFixed(1)} GFLOP/s  waiting ${(100 * throughput.waiting).toFixed(1)} %  ${left} left`,
  );
  for (const [name, value] of Object.entries(validation ?? {})) console.log(`    ${name}: ${value.toFixed(1)} %`);
}
