/** The model card of a published model, from the facts that lie beside its weights. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { categoryNames } from '../datasets/icons/categories.ts';
import { heldOutConcepts } from '../datasets/icons/held-out.ts';
import { readManifest } from '../datasets/icons/manifest.ts';
import { ICON_TEMPLATE } from '../datasets/icons/sets.ts';
import { heldOutStyles, STYLES } from '../datasets/icons/styles.ts';
import type { Recipe } from './recipe.ts';
import type { ModelReport } from './report.ts';

/** How a model came about: `training.json`. */
export type TrainingFacts = {
  readonly command: string;
  readonly updates: number;
  /** Images that were trained on, and tokens of the vocabulary. */
  readonly drawings: number;
  readonly tokens: number;
  /** Floating-point operations of an update, as its plan counts them. */
  readonly flops: number;
  readonly recipe: Recipe;
};

type LogEntry = { readonly step: number; readonly loss: number; readonly secondsPerStep: number };

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
  const { image, embed } = facts.recipe.model;
  return `# A small CLIP of drawn icons

The model that \`pnpm train\` starts from when no other is given. It was trained from random weights by this repository's own engine.

- **Sizes**: images ${image.size} x ${image.size} in patches of ${image.patch}; both towers ${image.layers} layers of width ${image.width} with ${image.heads} heads;
  features of ${embed} channels; a vocabulary of ${count(facts.tokens)} tokens, a part of CLIP's. Hugging Face format, weights rounded to f16,
  ${(bytes / 1e6).toFixed(1)} MB with the tokenizer and the log.
${await dataOf(facts)}
${trainingOf(facts, log)}

## Accuracy

${accuracyOf(accuracy)}

## Limits

It knows drawn icons on plain ground, ${categoryNames.length} categories well-worn and other words hardly; no photographs. Held-out styles stay foreign to it, OpenMoji's
black outlines most of all. Some classes look alike in all drawings (zodiac signs, word buttons, flags, clocks), which lifts the accuracy, the
baseline's too. Names of held-out concepts are in its vocabulary with embeddings that were never learnt.
`;
}

const count = (value: number): string => value.toLocaleString('en-US');

async function dataOf({ drawings }: TrainingFacts): Promise<string> {
  const concepts = await readManifest();
  const heldOut = heldOutConcepts(concepts).flat().length;
  const seen = STYLES.filter(({ role }) => role === 'seen');
  const licences = [...new Set(seen.map(({ licence }) => licence))].join(', ');
  return `- **Data**: ${count(drawings)} drawings of ${count(concepts.length - heldOut)} things in ${seen.length} styles (${seen.map(({ name }) => name).join(', ')}; ${licences},
  attributed in NOTICE), with captions from CLDR's English labels and tags (emojibase-data, MIT) and from the names of ${categoryNames.length} categories.
  Never seen: the styles ${heldOutStyles.join(', ')}, and ${heldOut} concepts, whose names no caption contains.`;
}

function trainingOf({ command, updates, flops, recipe }: TrainingFacts, log: readonly LogEntry[]): string {
  let [hours, before] = [0, 0];
  for (const { step, secondsPerStep } of log) {
    hours += (secondsPerStep * (step - before)) / 3600;
    before = step;
  }
  const first = log[0]?.loss.toFixed(1);
  const last = log.at(-1)?.loss.toFixed(1);
  return `- **Training**: \`${command}\`: ${count(updates)} updates of ${recipe.batch} pictures, AdamW at ${recipe.lr}, warm-up, a level rate and
  a last ${recipe.cooldown * 100} % of the updates down to 0; the weights are a running average (decay ${recipe.emaDecay}). The loss fell from ${first} to ${last}.
  ${(flops / 1e9).toFixed(1)} GFLOP an update, ${((flops * updates) / 1e12).toFixed(0)} TFLOP in all; ${hours.toFixed(1)} hours of wall time on two CPU cores (lavapipe) that other work shared.
  \`training.json\` has every setting, \`training-log.jsonl\` loss and validation.`;
}

function accuracyOf({ chance, zeroShot, meanPixels, retrieval, validation }: ModelReport): string {
  const row = (label: string, name: string): string => {
    const value = zeroShot[name] ?? Number.NaN;
    const baseline = meanPixels[name];
    return `| ${label} | ${value} % | ${(value / chance).toFixed(1)} x | ${baseline === undefined ? '' : `${baseline} %`} |`;
  };
  return `Zero-shot, prompt "${ICON_TEMPLATE}", ${categoryNames.length} classes (chance ${chance} %). The baseline takes the nearest class mean of raw pixels of the training concepts.

| Pictures | Accuracy | Against chance | Nearest mean pixels |
|---|---|---|---|
${[
  row('Held-out concepts (test), seen styles', 'test concepts, seen styles'),
  row('Held-out concepts (test), held-out styles', 'test concepts, held-out styles'),
  ...heldOutStyles.map((style) => row(`- ${style}`, `test concepts, ${style}`)),
  row('Concepts and styles of training (a quarter of them)', 'seen concepts, seen styles'),
].join('\n')}

Retrieval image to text over ${retrieval.pairs} pairs in held-out styles (most of the concepts seen in others): R@1 ${retrieval.recallAt1} %, R@5 ${retrieval.recallAt5} %.

Which set \`icons\` is, was chosen by what a linear probe on frozen features gains over zero-shot on validation pictures:

| Set | Zero-shot | Linear probe (validation) |
|---|---|---|
${Object.entries(validation)
  .map(([name, { zeroShot, linearProbe }]) => `| ${name} | ${zeroShot} % | ${linearProbe} % |`)
  .join('\n')}`;
}
