/** pnpm pretrain: trains the embedded model. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Device } from '@mudpt/tensor';
import { installIcons } from '../data/icons/install.ts';
import { prepareMaterial, probesOf } from '../pretrain/material.ts';
import { RECIPE } from '../pretrain/recipe.ts';
import { pretrain, type Progress } from '../pretrain/run.ts';

const { values } = parseArgs({
  options: {
    out: { type: 'string', default: 'runs/pretrain' },
    icons: { type: 'string', default: '.cache/icons' },
    steps: { type: 'string', default: String(RECIPE.steps) },
    seed: { type: 'string', default: String(RECIPE.seed) },
  },
});

const recipe = { ...RECIPE, steps: Number(values.steps), seed: Number(values.seed) };
const from = await installIcons(values.icons);
const material = await prepareMaterial(recipe, { from, cache: values.icons });
console.log(`${material.drawings.length} drawings, ${material.tokenizer.vocabularySize} tokens`);
const probes = {
  'held-out concepts': await probesOf({ styles: 'seen', concepts: 'validation' }, from),
  'held-out concepts, held-out style': await probesOf({ styles: ['openmoji'], concepts: 'validation' }, from),
  'seen concepts, held-out style': await probesOf({ styles: ['openmoji'], concepts: 'seen', every: 4 }, from),
  'seen concepts': await probesOf({ styles: 'seen', concepts: 'seen', every: 10 }, from),
};
const device = await Device.open();
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
process.once('SIGTERM', () => interrupt.abort());
const learner = await pretrain({
  recipe,
  material,
  device,
  out: resolve(values.out),
  probes,
  onProgress: report,
  signal: interrupt.signal,
});
learner.dispose();
device.dispose();

function report({ step, steps, loss, lr, secondsPerStep, eta, validation }: Progress): void {
  const left = `${Math.floor(eta / 3600)}:${String(Math.floor((eta % 3600) / 60)).padStart(2, '0')} h`;
  console.log(
    `${step}/${steps}  loss ${loss.toFixed(3)}  lr ${lr.toExponential(2)}  ${secondsPerStep.toFixed(2)} s/step  ${left} left`,
  );
  for (const [name, value] of Object.entries(validation ?? {})) console.log(`    ${name}: ${value.toFixed(1)} %`);
}
