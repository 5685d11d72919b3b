/** Sizes and settings of the embedded model and its training. */
import type { ClipConfig } from '@mudpt/clip';

export type Recipe = {
  /** Sizes without the vocabulary, which comes from the captions. */
  readonly model: Omit<ClipConfig, 'text'> & { readonly text: Omit<ClipConfig['text'], 'vocabulary'> };
  /** Merges of CLIP's vocabulary to keep beside those that the captions need. */
  readonly everydayMerges: number;
  /** Tokens of a caption, start and end included; longer ones are cut. */
  readonly captionTokens: number;
  readonly seed: number;
  /** Updates in all. */
  readonly steps: number;
  /** Images per update. */
  readonly batch: number;
  /** Images that go through the tower at once. */
  readonly chunk: number;
  readonly lr: number;
  /** Updates over which the rate climbs. */
  readonly warmup: number;
  /** Last part of the updates, over which the rate falls to 0. */
  readonly cooldown: number;
  readonly weightDecay: number;
  readonly betas: readonly [number, number];
  /** Gradients are scaled down to this norm. */
  readonly clipNorm: number;
  /** Of the running average of the weights, which is what is evaluated and written. */
  readonly emaDecay: number;
  /** Pixels of a side at which drawings are kept; augmentation samples them. */
  readonly side: number;
  /** Most drawings of a concept in a style: the plain one and gender variants. */
  readonly variants: number;
  /** Of the augmentation. */
  readonly strength: number;
  /** Exponent of the sampling: 0 draws concepts equally often, 1 categories. */
  readonly balance: number;
  /** Updates between evaluations and between checkpoints. */
  readonly evaluateEvery: number;
  readonly saveEvery: number;
};

const ACTIVATION = { activation: 'quick_gelu', eps: 1e-5 } as const;

export const RECIPE: Recipe = {
  model: {
    embed: 128,
    image: { width: 128, heads: 4, layers: 4, hidden: 512, size: 64, patch: 16, ...ACTIVATION },
    text: { width: 128, heads: 4, layers: 4, hidden: 512, context: 32, ...ACTIVATION },
  },
  everydayMerges: 2000,
  captionTokens: 8,
  seed: 1,
  steps: 10_000,
  batch: 64,
  chunk: 64,
  lr: 6e-4,
  warmup: 100,
  cooldown: 0.25,
  weightDecay: 0.1,
  betas: [0.9, 0.98],
  clipNorm: 1,
  emaDecay: 0.995,
  side: 72,
  variants: 3,
  strength: 1,
  balance: 0.5,
  evaluateEvery: 250,
  saveEvery: 50,
};

/** Learning rate of an update: straight up, level, straight down to 0 (warm-up, stable, decay). */
export function rateAt(step: number, { lr, warmup, steps, cooldown }: Recipe): number {
  return lr * Math.min(1, (step + 1) / warmup, (steps - step) / (cooldown * steps));
}

/** Updates before the rate begins to fall. */
export function levelUpdates({ steps, cooldown }: Pick<Recipe, 'steps' | 'cooldown'>): number {
  return Math.floor((1 - cooldown) * steps);
}

/** Whether a state after `step` updates of a run of `savedSteps` is one that a run of the recipe's length passes through, too. */
export function isOnTheWay(step: number, savedSteps: number, recipe: Recipe): boolean {
  if (savedSteps === recipe.steps) return true;
  return step <= Math.min(levelUpdates(recipe), levelUpdates({ ...recipe, steps: savedSteps }));
}
