/** The model being trained with all that belongs to it: optimizer, running average, captured step; and how they are saved. */
import {
  alias,
  capture,
  type Captured,
  clamp,
  contiguousCopy,
  copyInto,
  type Device,
  InputError,
  keep,
  loadTensor,
  openSafetensors,
  type Tensor,
  tensorToWrite,
  type TensorToWrite,
  writeSafetensors,
} from '@mudpt/tensor';
import { isEqual, nth } from '@mudpt/tensor/internal';

import { AdamW, clipGradNorm, EMA, randomFrom } from '@mudpt/autograd';
import { type Clip, type ClipConfig, clipFromTensors, type HostTensor, randomWeights, type Tokenizer } from '@mudpt/clip';
import type { HostBatch } from './batches.ts';
import { augmentedPatches } from './augment.ts';
import { contrastiveGradients } from './objective.ts';
import { rateAt, type Recipe } from './recipe.ts';
import { expectFinite } from '../evaluation/finite.ts';

/** Factors of similarities grow to 100 at most, as in CLIP. */
const LARGEST_SCALE = Math.log(100);
const OPTIMIZER = 'optimizer.';

export class Learner {
  readonly clip: Clip;
  /** Updates done. */
  step = 0;
  private readonly weights: readonly (readonly [string, Tensor])[];
  private readonly optimizer: AdamW;
  private readonly average: EMA;
  private readonly update: Captured<keyof HostBatch | 'lr', Tensor>;

  constructor(
    readonly device: Device,
    readonly config: ClipConfig,
    tokenizer: Tokenizer,
    readonly recipe: Recipe,
  ) {
    const initial = withSinePositions(config, randomWeights(config, randomFrom(recipe.seed)));
    this.clip = clipFromTensors(config, initial, { device, trainable: true, tokenizer });
    this.weights = [...this.clip.weights()].map(([name, weight]) => {
      if (!('storage' in weight)) throw new InputError('pretrain', `${name} is not on the device`, 'make the model trainable');
      return [name, weight];
    });
    // Vectors, positions and the scale are not pulled towards 0.
    const isDecayed = ([name, weight]: readonly [string, Tensor]): boolean => weight.rank >= 2 && !name.includes('positional');
    const { betas, weightDecay, lr } = recipe;
    this.optimizer = new AdamW(
      [
        { parameters: this.weights.filter(isDecayed).map(([, weight]) => weight), weightDecay },
        { parameters: this.weights.filter((entry) => !isDecayed(entry)).map(([, weight]) => weight), weightDecay: 0 },
      ],
      { lr, betas },
    );
    this.average = new EMA(this.parameters, recipe.emaDecay);
    this.update = capture(
      ({ lr: rate, drawings, isRgba, records, places, ...rest }) => {
        const windows = augmentedPatches({ drawings, isRgba, records, patches: places }, config.image);
        const { loss, gradients } = contrastiveGradients(this.clip, { windows, places, ...rest }, recipe);
        clipGradNorm(gradients, recipe.clipNorm);
        this.optimizer.step(gradients, { lr: rate });
        copyInto(this.clip.logitScale, clamp(this.clip.logitScale, 0, LARGEST_SCALE));
        this.average.update();
        return loss;
      },
      { device },
    );
  }

  /** Operations of an update by the shape of its patches. */
  private readonly counted = new Map<string, number>();

  private get parameters(): Tensor[] {
    return this.weights.map(([, weight]) => weight);
  }

  /** Does one update. Returns its loss, a scalar that is valid until the next. */
  learn(batch: HostBatch): Tensor {
    const loss = this.update({ ...batch, lr: rateAt(this.step, this.recipe) });
    this.step += 1;
    return loss;
  }

  /** Floating-point operations of an update by such a batch, counted from its plan. */
  flops(batch: HostBatch): number {
    const { shape } = batch.places;
    const key = shape.join();
    const flops = this.counted.get(key) ?? this.update.cost({ ...batch, lr: { shape: [] } }).flops;
    this.counted.set(key, flops);
    return flops;
  }

  /** Runs `body` with the averaged weights in the model, then puts the present ones back. */
  async withAverage<T>(body: () => Promise<T>): Promise<T> {
    const present = this.weights.map(([, weight]) => keep(contiguousCopy(weight)));
    this.average.apply();
    try {
      return await body();
    } finally {
      for (const [index, [, weight]] of this.weights.entries()) copyInto(weight, present[index] as Tensor);
      for (const copy of present) copy.dispose();
    }
  }

  /**
   * Writes everything that the next update depends on. The file appears whole or not at all.
   * @throws NotFiniteError, and writes nothing, when some of it is NaN or infinite
   */
  async save(path: string): Promise<void> {
    const state = this.state();
    try {
      await expectFinite(
        'pretrain',
        'the state of training',
        state,
        this.device,
        'go on from the last checkpoint with a smaller rate',
      );
      const tensors = Object.fromEntries(
        [...state].map(([name, tensor]): [string, TensorToWrite] => [name, tensorToWrite(tensor)]),
      );
      await writeSafetensors(path, tensors, {
        checksum: true,
        metadata: { step: String(this.step), recipe: JSON.stringify(this.recipe) },
      });
    } finally {
      this.release(state);
    }
  }

  /**
   * Takes up a saved state: the next update is the one that would have followed, bit by bit.
   * @throws InputError for a file of another model or another recipe (only the number of updates and the pauses may differ)
   */
  async load(path: string): Promise<void> {
    const file = await openSafetensors(path, { checksum: true });
    const state = this.state();
    try {
      this.expectRecipe(path, file.metadata['recipe']);
      const missing = [...state.keys()].filter((name) => !file.tensors.has(name));
      if (missing.length > 0)
        throw new InputError('pretrain', `${path} lacks ${missing.join(', ')}`, 'resume with the recipe it was made with');
      const loaded: Record<string, Tensor> = {};
      for (const name of state.keys()) loaded[name] = keep(await loadTensor(file, name, { device: this.device }));
      const ofOptimizer = Object.entries(loaded).filter(([name]) => name.startsWith(OPTIMIZER));
      this.optimizer.loadStateDict(Object.fromEntries(ofOptimizer.map(([name, value]) => [name.slice(OPTIMIZER.length), value])));
      for (const [name, target] of state) if (!name.startsWith(OPTIMIZER)) copyInto(target, loaded[name] as Tensor);
      for (const value of Object.values(loaded)) value.dispose();
      this.step = Number(file.metadata['step']);
    } finally {
      this.release(state);
      await file.close();
    }
  }

  dispose(): void {
    this.update.dispose();
    this.average.dispose();
    this.optimizer.dispose();
    this.clip.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Weights, their averages, and the optimizer's moments and counts. To be released. */
  private state(): Map<string, Tensor> {
    const state = new Map<string, Tensor>();
    for (const [name, weight] of this.weights) {
      state.set(`model.${name}`, keep(alias(weight)));
      state.set(`average.${name}`, keep(this.average.average(weight)));
    }
    for (const [name, value] of Object.entries(this.optimizer.stateDict())) state.set(`${OPTIMIZER}${name}`, keep(value));
    return state;
  }

  private release(state: ReadonlyMap<string, Tensor>): void {
    for (const value of state.values()) value.dispose();
  }

  private expectRecipe(path: string, saved: string | undefined): void {
    const rest = ({ steps: _1, evaluateEvery: _2, saveEvery: _3, cooldown: _4, ...fixed }: Recipe) => fixed;
    if (saved !== undefined && isEqual(rest(JSON.parse(saved) as Recipe), rest(this.recipe))) return;
    throw new InputError('pretrain', `${path} was made with another recipe: ${saved ?? 'none'}`, 'give that one, or start anew');
  }
}

/**
 * Positions of patches as sines and cosines of their row and column (as in "An Empirical Study of Training Self-Supervised Vision
 * Transformers", 2021), learnt from there on: a small set of images does not teach a random table which patches are neighbours.
 */
function withSinePositions(config: ClipConfig, weights: Record<string, HostTensor>): Record<string, HostTensor> {
  const { width, size, patch } = config.image;
  const side = size / patch;
  const name = 'visual.positional_embedding';
  const data = Float32Array.from(weights[name]?.data ?? []);
  const quarter = Math.floor(width / 4);
  for (let place = 0; place < side * side; place++) {
    const coordinates = [place % side, Math.floor(place / side)];
    for (let channel = 0; channel < 4 * quarter; channel++) {
      const axis = nth(coordinates, Math.floor(channel / (2 * quarter)));
      const angle = axis / 100 ** ((channel % quarter) / quarter);
      const isSine = Math.floor(channel / quarter) % 2 === 0;
      data[(1 + place) * width + channel] = 0.3 * (isSine ? Math.sin(angle) : Math.cos(angle));
    }
  }
  return { ...weights, [name]: { shape: [1 + side * side, width], dtype: 'f32', data } };
}
