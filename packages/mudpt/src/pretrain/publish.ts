/** The trained model as a folder that `loadClip` and transformers read. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clip, saveHuggingFace, type SavedWeights, weightsOf } from '@mudpt/clip';
import { float32ToFloat16, writeFileAtomic } from '@mudpt/tensor';
import { Batches } from './batches.ts';
import type { TrainingFacts } from './card.ts';
import type { Learner } from './learner.ts';
import type { Material } from './material.ts';

/** Writes the averaged weights as f16 with the tokenizer, and how they came about: recipe, steps, log. */
export async function publish(
  learner: Learner,
  { drawings, captions, tokenizer: trained, vocabulary }: Material,
  { out, folder }: { out: string; folder: string },
): Promise<void> {
  const tokenizer = { 'vocab.json': JSON.stringify(vocabulary.vocab), 'merges.txt': vocabulary.merges };
  await learner.withAverage(() => saveHuggingFace(folder, halved(learner.clip), { tokenizer }));
  const { recipe, step } = learner;
  const about: TrainingFacts = {
    command: `pnpm pretrain --steps ${recipe.steps} --cool-down ${recipe.cooldown} --seed ${recipe.seed}`,
    updates: step,
    drawings: drawings.length,
    renderings: drawings.reduce((sum, { renderings }) => sum + renderings.length, 0),
    things: new Set(drawings.map(({ subject }) => subject.key)).size,
    tokens: trained.vocabularySize,
    flops: flopsOf(learner, new Batches(drawings, captions, trained, recipe)),
    adapter: learner.device.adapter.name,
    recipe,
  };
  await writeFileAtomic(
    'pretrain',
    join(folder, 'training.json'),
    new TextEncoder().encode(`${JSON.stringify(about, undefined, 2)}\n`),
  );
  await copyFile(join(out, 'log.jsonl'), join(folder, 'training-log.jsonl'));
}

/** All weights rounded to f16: half the size, and the same predictions. */
function halved(clip: Clip): SavedWeights {
  const { config, towers, weights, read } = weightsOf(clip);
  return {
    config,
    towers,
    weights: new Map([...weights.keys()].map((name) => [name, { dtype: 'F16' }])),
    read: async (name) => {
      const { shape, dtype, data } = await read(name);
      return dtype === 'f16' ? { shape, dtype, data } : { shape, dtype: 'f16', data: float32ToFloat16(data) };
    },
  };
}

/** Operations of all updates: those on some patches of each image, and those on all. */
function flopsOf(learner: Learner, batches: Batches): number {
  const { recipe, step } = learner;
  const partial = Math.min(step, Math.floor(recipe.steps - recipe.wholePart * recipe.cooldown));
  return partial * learner.flops(batches.make(0)) + (step - partial) * learner.flops(batches.make(recipe.steps - 1));
}
