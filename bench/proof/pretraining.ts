/**
 * Pretrains the embedded model for some seconds and counts images: `pretraining.ts OUT [--small]`. Writes pretraining.json. Preparing the drawings
 * is timed apart: it is the host's work.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Device } from '@mudpt/tensor';
import { prepareMaterial } from '../../packages/mudpt/src/pretrain/material.ts';
import { RECIPE } from '../../packages/mudpt/src/pretrain/recipe.ts';
import { pretrain, type Progress } from '../../packages/mudpt/src/pretrain/run.ts';

const [out, small] = process.argv.slice(2);
if (!out) throw new Error('usage: pretraining.ts OUT [--small]');
const isSmall = small === '--small';
const SECONDS = isSmall ? 5 : 30;
/** The seen styles that come with the installation. */
const STYLES = ['fluent-emoji-flat', 'twemoji', 'emojione'];
/** Every n-th concept: enough for batches of which none repeats soon. */
const EVERY = isSmall ? 16 : 4;

using device = await Device.open();
const from = new URL('../../packages/mudpt/package.json', import.meta.url);
const start = performance.now();
const material = await prepareMaterial(RECIPE, {
  from,
  cache: join(out, 'icons'),
  styles: STYLES,
  collection: [],
  originals: ['openmoji', 'fxemoji'],
  every: EVERY,
});
const prepared = (performance.now() - start) / 1000;
const stop = new AbortController();
const told: Progress[] = [];
let begin = Number.POSITIVE_INFINITY;
const onProgress = (progress: Progress): void => {
  told.push(progress);
  begin = Math.min(begin, performance.now());
  if (performance.now() - begin > SECONDS * 1000) stop.abort();
};
const learner = await pretrain({
  recipe: RECIPE,
  material,
  device,
  out: join(out, 'pretrain'),
  probes: {},
  onProgress,
  signal: stop.signal,
});
learner.dispose();
// The first report holds what compiling took.
const steady = told.slice(1);
const secondsPerStep = Math.min(...steady.map((one) => one.secondsPerStep));
const line = {
  drawings: material.drawings.length,
  secondsToPrepare: prepared,
  updates: told.at(-1)?.step ?? 0,
  loss: { first: told[0]?.loss, last: told.at(-1)?.loss },
  imagesPerSecond: {
    best: RECIPE.batch / secondsPerStep,
    mean: (RECIPE.batch * steady.length) / steady.reduce((sum, one) => sum + one.secondsPerStep, 0),
  },
};
writeFileSync(join(out, 'pretraining.json'), `${JSON.stringify(line, undefined, 1)}\n`);
console.log(JSON.stringify(line, undefined, 1));
