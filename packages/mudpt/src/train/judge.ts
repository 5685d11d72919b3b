/** Accuracy while prompts are trained, and errors that say where training diverged. */
import type { Tensor } from '@mudpt/tensor';
import type { Item } from '../data/index.ts';
import { expectFinite, NotFiniteError } from '../evaluation/finite.ts';
import { predictImages } from '../evaluation/predict.ts';
import { metricsOfPredictions } from '../evaluation/predictions.ts';
import { evaluationBatch } from '../memory/evaluation-batch.ts';
import type { PromptMethod } from '../methods/index.ts';
import { DivergedError, type Divergence } from './diverged.ts';
import type { TrainerOptions, TrainingReached } from './trainer-options.ts';

const LEARNT = 'what is learnt, or the state of the optimizer, is not finite after the update';
const COMPUTED = 'what is computed from the learnt prompts is not finite';

/** The update after which something is measured. */
type Place = Pick<Divergence, 'epoch' | 'step' | 'lr'>;
type Named = Iterable<readonly [string, Tensor]>;

/** Rejects with a DivergedError at the place that is given; `loss` there is the mean since it was last read. */
export class Judge {
  /** @param reached what the error tells of the training until then */
  constructor(
    private readonly options: TrainerOptions,
    private readonly reached: () => TrainingReached,
  ) {}

  /** Accuracy on the validation images. */
  validation(place: Place, loss: number): Promise<number> {
    const { method, val } = this.options;
    return this.accuracy(method, val, place, loss);
  }

  /** Accuracy on classes that are not trained on; undefined where none are watched. */
  async newClasses(place: Place, loss: number): Promise<number | undefined> {
    const { method, newClasses } = this.options;
    if (!newClasses) return undefined;
    const other = method.forContext(newClasses.context);
    try {
      return await this.accuracy(other, newClasses.items, place, loss);
    } finally {
      other.dispose();
    }
  }

  /** The whole state of training, before it is recorded. */
  expectFiniteState(place: Place, tensors: Named, loss: number): Promise<void> {
    const { device } = this.options.clip;
    const check = () => expectFinite('checkpoint', 'the state of training', tensors, device, 'use a smaller learning rate');
    return this.finite(place, LEARNT, check, loss);
  }

  /** The result of `body`; a NotFiniteError becomes a divergence at `place`. */
  async finite<T>(place: Place, what: string, body: () => Promise<T>, loss = Number.NaN): Promise<T> {
    try {
      return await body();
    } catch (cause) {
      if (!(cause instanceof NotFiniteError)) throw cause;
      const { lr: askedLr } = this.options.settings;
      throw new DivergedError({ ...place, askedLr, loss: String(loss), what }, this.reached(), { cause });
    }
  }

  /** Accuracy on images. The learnt tensors are checked first, because the last update may overflow although its loss was finite. */
  private async accuracy(method: PromptMethod, items: readonly Item[], place: Place, loss: number): Promise<number> {
    const { clip, loader, loop, budget } = this.options;
    const learnt = [...method.learnable, ...method.state];
    await this.finite(place, LEARNT, () => expectFinite('training', 'what is learnt', learnt, clip.device, ''), loss);
    const batch = evaluationBatch(clip, loop.evaluationBatch, method, budget);
    const predictions = await this.finite(place, COMPUTED, () => predictImages(clip, method, loader, items, { batch }), loss);
    return metricsOfPredictions(predictions, method.classNames.length).accuracy;
  }
}
