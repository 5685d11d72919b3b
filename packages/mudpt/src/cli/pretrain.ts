/** pnpm pretrain: trains the embedded model on drawn icons, measures it, and writes it as a folder. */
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Device } from '@mudpt/tensor';
import { installIcons } from '../data/icons/install.ts';
import { prepareMaterial, probesOf } from '../pretrain/material.ts';
import { publish } from '../pretrain/publish.ts';
import { RECIPE } from '../pretrain/recipe.ts';
import { reportOn } from '../pretrain/report.ts';
import { openLearner, pretrain, type Progress } from '../pretrain/run.ts';
import { smoke } from '../pretrain/smoke.ts';

const HELP = `pnpm pretrain [options]     trains the embedded CLIP on drawn icons; continues where --out stopped

  --out FOLDER       checkpoint, log and model (runs/pretrain)
  --steps COUNT      updates in all (${RECIPE.steps}); the last quarter lowers the learning rate
  --seed NUMBER      (${RECIPE.seed})
  --icons FOLDER     where the icon packages are installed and rendered (.cache/icons)
  --publish          only write the model of the checkpoint in --out, and measure it
  --measure FOLDER   only measure a model that was written
  --smoke            a minute's training of a tiny model that checks the machinery
`;

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'runs/pretrain' },
    steps: { type: 'string', default: String(RECIPE.steps) },
    seed: { type: 'string', default: String(RECIPE.seed) },
    icons: { type: 'string', default: '.cache/icons' },
    publish: { type: 'boolean', default: false },
    measure: { type: 'string' },
    smoke: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else if (values.smoke) await runSmoke();
else if (values.measure !== undefined) await runMeasure(resolve(values.measure));
else await run();

async function runSmoke(): Promise<void> {
  const device = await Device.open();
  const { losses, isBitEqual } = await smoke(device);
  device.dispose();
  const falls = (losses.at(-1) ?? Infinity) < (losses[0] ?? 0);
  console.log(`loss ${losses.map((loss) => loss.toFixed(3)).join(', ')}: ${falls ? 'it falls' : 'it does not fall'}`);
  console.log(isBitEqual ? 'the resumed run is bit-equal' : 'the resumed run differs');
  process.exitCode = falls && isBitEqual ? 0 : 1;
}

async function runMeasure(folder: string): Promise<void> {
  const from = await installIcons(values.icons);
  const device = await Device.open();
  await measure(folder, device, from);
  device.dispose();
}

async function measure(folder: string, device: Device, from: string): Promise<void> {
  const text = JSON.stringify(await reportOn(folder, device, from), rounded, 2);
  await writeFile(join(folder, 'accuracy.json'), `${text}\n`);
  console.log(text);
}

async function run(): Promise<void> {
  const recipe = { ...RECIPE, steps: Number(values.steps), seed: Number(values.seed) };
  if (!Number.isSafeInteger(recipe.steps) || recipe.steps < 1) throw new RangeError('--steps needs a whole number of at least 1');
  const from = await installIcons(values.icons);
  const material = await prepareMaterial(recipe, { from, cache: values.icons });
  console.log(`${material.drawings.length} drawings, ${material.tokenizer.vocabularySize} tokens`);
  const device = await Device.open();
  const out = resolve(values.out);
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());
  const learner = values.publish
    ? await openLearner({ recipe, material, device, out })
    : await pretrain({
        recipe,
        material,
        device,
        out,
        probes: await validationProbes(from),
        onProgress: tell,
        signal: interrupt.signal,
      });
  if (interrupt.signal.aborted) console.log(`stopped after update ${learner.step}; the same command goes on`);
  else {
    const folder = join(out, 'model');
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

/** None of them a test picture. */
async function validationProbes(from: string) {
  return {
    'held-out concepts': await probesOf({ styles: 'seen', concepts: 'validation' }, from),
    'held-out concepts, held-out style': await probesOf({ styles: ['openmoji'], concepts: 'validation' }, from),
    'seen concepts, held-out style': await probesOf({ styles: ['openmoji'], concepts: 'seen', every: 4 }, from),
    'seen concepts': await probesOf({ styles: 'seen', concepts: 'seen', every: 10 }, from),
  };
}

function tell({ step, steps, loss, lr, secondsPerStep, eta, validation }: Progress): void {
  const left = `${Math.floor(eta / 3600)}:${String(Math.floor((eta % 3600) / 60)).padStart(2, '0')} h`;
  console.log(
    `${step}/${steps}  loss ${loss.toFixed(3)}  lr ${lr.toExponential(2)}  ${secondsPerStep.toFixed(2)} s/step  ${left} left`,
  );
  for (const [name, value] of Object.entries(validation ?? {})) console.log(`    ${name}: ${value.toFixed(1)} %`);
}
