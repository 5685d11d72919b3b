/** A pretraining of a minute: does the loss fall, and is a resumed run the same bit by bit? */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Device, openSafetensors, TensorError } from '@mudpt/tensor';
import { prepareMaterial } from './material.ts';
import { RECIPE, type Recipe } from './recipe.ts';
import { checkpointOf, pretrain } from './run.ts';

const TOWER = { width: 32, heads: 2, layers: 2, hidden: 64, activation: 'quick_gelu', eps: 1e-5 } as const;

const SMOKE: Recipe = {
  ...RECIPE,
  model: { embed: 32, image: { ...TOWER, size: 16, patch: 8 }, text: { ...TOWER, context: 16 } },
  everydayMerges: 0,
  side: 18,
  variants: 1,
  batch: 16,
  views: 2,
  chunk: 8,
  cooldown: 8,
  keptPatches: 3,
  wholePart: 0.5,
  steps: 30,
  warmup: 4,
  lr: 2e-3,
  evaluateEvery: 1000,
  saveEvery: 10,
};

export type SmokeReport = { readonly losses: readonly number[]; readonly isBitEqual: boolean };

/** Trains once in one go and once in two, on one style that comes with the package, and compares. */
export async function smoke(device: Device): Promise<SmokeReport> {
  const folder = await mkdtemp(join(tmpdir(), 'mudpt-smoke-'));
  try {
    const material = await prepareMaterial(SMOKE, {
      from: import.meta.url,
      cache: folder,
      styles: ['fluent-emoji-flat'],
      collection: [],
      originals: ['fxemoji'],
      every: 8,
    });
    const losses: number[] = [];
    const train = async (out: string, steps: number): Promise<void> => {
      const recipe = { ...SMOKE, steps };
      const learner = await pretrain({ recipe, material, device, out, probes: {}, onProgress: ({ loss }) => losses.push(loss) });
      learner.dispose();
    };
    const [whole, halves] = [join(folder, 'whole'), join(folder, 'halves')];
    await train(whole, SMOKE.steps);
    const told = [...losses];
    await trainHalf(halves);
    await train(halves, SMOKE.steps);
    return { losses: told, isBitEqual: await areEqual(checkpointOf(whole), checkpointOf(halves)) };

    async function trainHalf(out: string): Promise<void> {
      const interrupt = new AbortController();
      const onProgress = ({ step }: { step: number }): void => {
        if (step >= SMOKE.steps / 3) interrupt.abort();
      };
      (await pretrain({ recipe: SMOKE, material, device, out, probes: {}, onProgress, signal: interrupt.signal })).dispose();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function areEqual(one: string, other: string): Promise<boolean> {
  const [a, b] = [await openSafetensors(one), await openSafetensors(other)];
  try {
    if ([...a.tensors.keys()].join() !== [...b.tensors.keys()].join())
      throw new TensorError('pretrain', 'the checkpoints hold different tensors', 'this is a bug');
    for (const name of a.tensors.keys())
      if (Buffer.compare((await a.read(name)).bytes, (await b.read(name)).bytes) !== 0) return false;
    return true;
  } finally {
    await a.close();
    await b.close();
  }
}
