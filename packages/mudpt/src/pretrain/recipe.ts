/** Sizes and settings of the embedded model and its training. */
import type { ClipConfig, ClipTextConfig } from '@mudpt/clip';

export type Recipe = {
  /** Sizes without the vocabulary, which comes from the captions. */
  readonly model: Omit<ClipConfig, 'text'> & { readonly text: Omit<ClipTextConfig, 'vocabulary'> };
  /** Merges of CLIP's vocabulary to keep beside those that the captions need. */
  readonly everydayMerges: number;
  /** Tokens of a caption, start and end included; longer ones are cut. */
  readonly captionTokens: number;
  readonly seed: number;
  /** Updates in all. */
  readonly steps: number;
  /** Images per update. */
  readonly batch: number;
  /** Images of one thing in a batch; divides it. They share a caption, so that there are batch / views texts. */
  readonly views: number;
  /** Images that go through the tower at once. */
  readonly chunk: number;
  readonly lr: number;
  /** Updates over which the rate climbs. */
  readonly warmup: number;
  /** The last updates, over which the rate falls to 0. */
  readonly cooldown: number;
  /** Patches of an image that are computed; in the last part of the cool-down all of them are. */
  readonly keptPatches: number;
  readonly wholePart: number;
  /** Weight of the loss between images of one thing, and factor of their similarities. */
  readonly twinWeight: number;
  readonly twinScale: number;
  readonly weightDecay: number;
  readonly betas: readonly [number, number];
  /** Gradients are scaled down to this norm. */
  readonly clipNorm: number;
  /** Decay of the running average of the weights, which is evaluated and published. */
  readonly emaDecay: number;
  /** Pixels of a side at which drawings are kept; augmentation samples them. */
  readonly side: number;
  /** Most drawings of a concept in a style: the plain one and gender variants. */
  readonly variants: number;
  /** Whether emoji are drawn in other colours too, path by path; absent: not. */
  readonly recoloured?: boolean;
  /** Strength of the augmentation, reached after a number of updates. */
  readonly strength: number;
  readonly strengthWarmup: number;
  /**
   * From this update on the augmentation is weaker, and an image's captions are all of the batch that are true of it: the one that was
   * written for it and the one that names its category alone. Before, the latter is told apart from it where another thing has it. Both
   * were found on the way, and the first updates kept: 600 of the later ones raised accuracy on validation as much as 3,000 before.
   */
  readonly late: { readonly from: number; readonly strength: number };
  /** Exponent of the sampling: 0 draws concepts equally often, 1 categories. */
  readonly balance: number;
  /** Updates between evaluations and between checkpoints. */
  readonly evaluateEvery: number;
  readonly saveEvery: number;
};

const ACTIVATION = { activation: 'quick_gelu', eps: 1e-5 } as const;

/**
 * The embedded model. An update costs 14.4 GFLOP, 0.11 a look at a drawing, and lavapipe does 40 GFLOP/s on two cores of its own.
 * - Patches of 16 and width 128: learning to name drawings in new styles takes a million looks and more, so that looks are what a day of two
 *   cores is spent on; patches of 8 cost 3 to 4 times as much, here and in every training that starts from the model.
 * - 6 layers in both towers, so that prompts have layers to act on: with the vocabulary 7.5 MB as f16.
 * - 10 of 16 patches, those with the drawing first: most of the others are blank.
 * - Two drawings of a thing from two styles share a caption: half as many texts to encode, and a pair to contrast across styles.
 */
export const RECIPE: Recipe = {
  model: {
    embed: 128,
    image: { width: 128, heads: 4, layers: 6, hidden: 512, size: 64, patch: 16, ...ACTIVATION },
    text: { width: 128, heads: 4, layers: 6, hidden: 512, context: 32, ...ACTIVATION },
  },
  everydayMerges: 2000,
  captionTokens: 12,
  seed: 1,
  steps: 16000,
  batch: 128,
  views: 2,
  chunk: 128,
  lr: 1e-3,
  warmup: 200,
  cooldown: 3500,
  keptPatches: 10,
  wholePart: 0.3,
  twinWeight: 0.5,
  twinScale: 10,
  weightDecay: 0.1,
  betas: [0.9, 0.98],
  clipNorm: 1,
  emaDecay: 0.995,
  side: 72,
  variants: 3,
  strength: 1,
  strengthWarmup: 1500,
  late: { from: 6682, strength: 0.4 },
  balance: 0.5,
  evaluateEvery: 500,
  saveEvery: 50,
};

/** Learning rate of an update: straight up, level, then down to 0 as 1 - sqrt (Hägele et al., "Scaling Laws Beyond Fixed Durations", 2024). */
export function rateAt(step: number, { lr, warmup, steps, cooldown }: Recipe): number {
  const fallen = Math.max(0, step - (steps - cooldown)) / cooldown;
  return lr * Math.min(1, (step + 1) / warmup, 1 - Math.sqrt(fallen));
}

/** Updates before the rate begins to fall. */
export function levelUpdates({ steps, cooldown }: Pick<Recipe, 'steps' | 'cooldown'>): number {
  return Math.max(0, steps - cooldown);
}

/** Patches of an image that update number `step` computes. */
export function keptPatches(step: number, { model: { image }, keptPatches: kept, wholePart, steps, cooldown }: Recipe): number {
  return step < steps - wholePart * cooldown ? kept : (image.size / image.patch) ** 2;
}

/**
 * Strength of the augmentation in update number `step`. From the start on with all colours, training stood at the loss of chance for hundreds
 * of updates, whatever the rate, the batch and the initial weights; a weak one that grows lets it find the shapes first.
 */
export function strengthAt(
  step: number,
  { strength, strengthWarmup, late }: Pick<Recipe, 'strength' | 'strengthWarmup' | 'late'>,
): number {
  return step < late.from ? strength * Math.min(1, step / strengthWarmup) : late.strength;
}

/** Whether all captions of a batch that are true of an image are its captions. */
export function namesAllTrue(step: number, { late }: Pick<Recipe, 'late'>): boolean {
  return step >= late.from;
}

/** Whether a state after `step` updates of the run `saved` is one that a run of `recipe` passes through, too. */
export function isOnTheWay(step: number, saved: Pick<Recipe, 'steps' | 'cooldown'>, recipe: Recipe): boolean {
  if (saved.steps === recipe.steps && saved.cooldown === recipe.cooldown) return true;
  return step <= Math.min(levelUpdates(recipe), levelUpdates(saved));
}
