/** The model card of a published model, from the facts that lie beside its weights. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { classNames } from '../datasets/icons/concepts/classes.ts';
import { licenceCounts } from '../datasets/icons/sources/notice.ts';
import { COLLECTION } from '../datasets/icons/sources/collection.ts';
import { heldOutConcepts } from '../datasets/icons/concepts/held-out.ts';
import { readManifest } from '../datasets/icons/concepts/manifest.ts';
import { ICON_TEMPLATE } from '../datasets/icons/sets.ts';
import { heldOutStyles, STYLES } from '../datasets/icons/sources/styles.ts';
import type { Recipe } from './recipe.ts';
import { type ModelReport, PROBE_SHOTS } from './report.ts';
import type { Throughput } from './throughput.ts';

/** How a model came about: `training.json`. */
export type TrainingFacts = {
  readonly command: string;
  readonly updates: number;
  /** Drawings that were trained on, the images they were rendered to, what they show, and tokens of the vocabulary. */
  readonly drawings: number;
  readonly renderings: number;
  readonly things: number;
  readonly tokens: number;
  /** Floating-point operations of all updates, as their plans count them. */
  readonly flops: number;
  /** Adapter that trained last. */
  readonly adapter: string;
  readonly recipe: Recipe;
};

type LogEntry = Throughput & { readonly step: number; readonly loss: number; readonly secondsPerStep: number };

/** Text of README.md for a folder with a model, its `training.json`, `training-log.jsonl` and `accuracy.json`. */
export async function modelCard(folder: string): Promise<string> {
  const text = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
  const facts = JSON.parse(await text('training.json')) as TrainingFacts;
  const accuracy = JSON.parse(await text('accuracy.json')) as ModelReport;
  const log = (await text('training-log.jsonl'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LogEntry);
  const files = (await readdir(folder)).filter((name) => name !== 'README.md');
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const { image, text: words, embed } = facts.recipe.model;
  return `# A small CLIP of drawn icons

The model that \`pnpm train\` starts from when no other is given. It was trained from random weights by this repository's own engine.

- **Sizes**: images ${image.size} x ${image.size} in patches of ${image.patch}; ${image.layers} layers for images and ${words.layers} for texts, of width ${image.width} with ${image.heads} heads;
  features of ${embed} channels; a vocabulary of ${count(facts.tokens)} tokens, a part of CLIP's. Hugging Face format, weights rounded to f16,
  ${(bytes / 1e6).toFixed(1)} MB with the tokenizer and the log.
${await dataOf(facts)}
${trainingOf(facts, log)}

## Accuracy

${accuracyOf(accuracy)}

## Limits

It knows drawn icons on plain ground, ${classNames.length} classes well-worn and other words hardly; no photographs. How well it reads a drawing depends on
the artist's hand: see the held-out styles above. What icons tell by convention only (word buttons, zodiac signs) it knows as drawings, not by reading.
Names of held-out concepts are in its vocabulary with embeddings that were never learnt.
`;
}

const count = (value: number): string => value.toLocaleString('en-US');

async function dataOf({ drawings, renderings, things }: TrainingFacts): Promise<string> {
  const concepts = await readManifest();
  const heldOut = heldOutConcepts(concepts).flat().length;
  const sets = [...STYLES.filter(({ role }) => role === 'seen'), ...COLLECTION];
  return `- **Data**: ${count(drawings)} drawings (${count(renderings)} images, with other weights, fillings and line art of them) of ${count(things)} things, of ${sets.length} icon sets
  that npm holds (by licence: ${licenceCounts(sets)}; each is attributed in NOTICE). Captions come from CLDR's English labels and
  tags (emojibase-data, MIT), from icons' names, and from the names of kinds and classes. Every look at a drawing turns, scales, shifts and
  recolours it, on light and dark grounds. Never seen: the styles ${heldOutStyles.join(', ')} and copies of their drawings in other sets (found by
  perceptual hashes), and ${heldOut} concepts, whose names no caption contains.`;
}

function trainingOf({ command, updates, flops, adapter, recipe }: TrainingFacts, log: readonly LogEntry[]): string {
  let [seconds, waited, before] = [0, 0, 0];
  for (const { step, secondsPerStep, waiting } of log) {
    // A run that was stopped logs some updates twice.
    const passed = secondsPerStep * Math.max(0, step - before);
    seconds += passed;
    waited += waiting * passed;
    before = Math.max(before, step);
  }
  const first = log[0]?.loss.toFixed(1);
  const last = log.at(-1)?.loss.toFixed(1);
  return `- **Training**: \`${command}\`: ${count(updates)} updates of ${recipe.batch} images, AdamW at ${recipe.lr}, warm-up, a level rate and
  in the last ${count(recipe.cooldown)} updates down to 0; the weights are a running average (decay ${recipe.emaDecay}). Images and captions are contrasted as in CLIP, and images of one
  thing in several styles with each other; ${recipe.keptPatches} of ${(recipe.model.image.size / recipe.model.image.patch) ** 2} patches are computed, blank ones least, until the end of the cool-down. From update
  ${count(recipe.late.from)} on drawings are changed less (strength ${recipe.late.strength} of ${recipe.strength}), and all captions of a batch that are true of an image are its captions. The loss fell from ${first} to ${last}.
  ${(flops / 1e12).toFixed(0)} TFLOP in ${(seconds / 3600).toFixed(1)} hours of wall time (${(flops / 1e9 / seconds).toFixed(1)} GFLOP/s, ${((recipe.batch * updates) / seconds).toFixed(0)} images/s, ${((100 * waited) / seconds).toFixed(1)} % of it waiting for data) on ${adapter}.
  \`training.json\` has every setting, \`training-log.jsonl\` loss, throughput and validation.`;
}

function accuracyOf({ chance, zeroShot, meanPixels, retrieval, validation }: ModelReport): string {
  const row = (label: string, name: string): string => {
    const value = zeroShot[name] ?? Number.NaN;
    const baseline = meanPixels[name];
    return `| ${label} | ${value.toFixed(1)} % | ${(value / chance).toFixed(1)} x | ${baseline === undefined ? '' : `${baseline.toFixed(1)} %`} |`;
  };
  return `Zero-shot, prompt "${ICON_TEMPLATE}", ${classNames.length} classes (chance ${chance.toFixed(1)} %). The baseline takes the nearest class mean of raw pixels of the training concepts.

| Pictures | Accuracy | Against chance | Nearest mean pixels |
|---|---|---|---|
${[
  row('Held-out concepts (test), seen styles', 'test concepts, seen styles'),
  row('Held-out concepts (test), held-out styles', 'test concepts, held-out styles'),
  ...heldOutStyles.map((style) => row(`- ${style}`, `test concepts, ${style}`)),
  row('All concepts, held-out styles', 'all concepts, held-out styles'),
  ...heldOutStyles.map((style) => row(`- ${style}`, `all concepts, ${style}`)),
  row('Concepts and styles of training (a quarter of them)', 'seen concepts, seen styles'),
].join('\n')}

Retrieval from an image to its label among all labels of a sample in a held-out style (most of the concepts seen in others):

| Style | Pairs | R@1 | R@5 |
|---|---|---|---|
${Object.entries(retrieval)
  .map(([style, { pairs, recallAt1, recallAt5 }]) => `| ${style} | ${pairs} | ${recallAt1} % | ${recallAt5} % |`)
  .join('\n')}

On validation images of the down-stream sets, for which nothing was chosen by the test: zero-shot, and a linear probe on frozen features with
${PROBE_SHOTS} images of every class, and with all.

| Set | Zero-shot | Probe, ${PROBE_SHOTS} shots | Probe, all |
|---|---|---|---|
${Object.entries(validation)
  .map(([name, one]) => `| ${name} | ${one.zeroShot} % | ${one.linearProbeOfShots} % | ${one.linearProbe} % |`)
  .join('\n')}`;
}
