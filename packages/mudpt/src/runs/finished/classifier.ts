/** A run's method for streams of prepared images, which no loader lists; captured once. */
import { createHash } from 'node:crypto';
import { type Captured, capture, InputError, narrow, type Tensor } from '@mudpt/tensor';
import { rankLogits } from '../../evaluation/predictions.ts';
import { evaluationBatch } from '../../memory/evaluation-batch.ts';
import type { TunedModel } from './open-run.ts';
import { likeliest, type NamedProbability } from './predict.ts';

/** The method of a run, for streams of images. */
export class Classifier implements Disposable {
  /** Images at once. */
  readonly batch: number;
  private readonly texts: Tensor | undefined;
  /** Logits of a method of prompts, features for one of features. */
  private readonly recorded: Captured<'images', Tensor>;

  /** @throws InputError for a model without an image tower */
  constructor(private readonly run: TunedModel) {
    const { base, method, config } = run;
    const { image, device } = base.clip;
    if (!image) throw new InputError('predict', 'the model has no image tower', 'load it with both towers');
    this.batch = evaluationBatch(base.clip, config.evaluationBatch, method);
    const texts = method.kind === 'prompts' ? method.textFeatures() : undefined;
    this.texts = texts;
    this.recorded = capture<'images', Tensor>(
      ({ images }) => (method.kind === 'prompts' ? method.evaluate(images, texts) : image.forward(images)),
      { device },
    );
  }

  /** SHA-256 of what predictions depend on, beside the base model and the images. */
  get digest(): string {
    const { method, settings, template, classNames, descriptions, tensorsHash, temperature, chosen } = this.run.facts;
    const { epoch } = this.run;
    const more = [...(descriptions ? [{ descriptions }] : []), ...(epoch === undefined ? [] : [{ epoch }])];
    const of = [method, settings, template, classNames, tensorsHash, temperature ?? null, chosen ?? null, ...more];
    const about = JSON.stringify(of);
    return createHash('sha256').update(about).digest('hex');
  }

  /**
   * The likeliest classes of each image.
   * @param pixels normalised, [ids, 3, size, size], at most `batch` of them
   * @param top how many classes each gets
   * @throws NotFiniteError naming the image whose logits are not finite
   */
  async classify(ids: readonly string[], pixels: Float32Array, top: number): Promise<NamedProbability[][]> {
    const { facts } = this.run;
    const logits = await this.logits(this.padded(pixels), ids.length);
    const items = ids.map((id) => ({ id, image: id, label: 0 }));
    const { length } = facts.classNames;
    return rankLogits(items, logits, length, length).map((one) => likeliest(one.top, facts, top));
  }

  [Symbol.dispose](): void {
    this.recorded.dispose();
    this.texts?.dispose();
  }

  /** A last batch is filled up with zeros, so that nothing is recorded and compiled for it alone. */
  private padded(pixels: Float32Array): Float32Array {
    const length = this.batch * 3 * this.run.base.clip.config.image.size ** 2;
    if (pixels.length === length) return pixels;
    const whole = new Float32Array(length);
    whole.set(pixels);
    return whole;
  }

  private async logits(data: Float32Array, count: number): Promise<Float32Array> {
    const { base, method } = this.run;
    const { size } = base.clip.config.image;
    const result = this.recorded({ images: { data, shape: [this.batch, 3, size, size] } });
    if (method.kind === 'prompts') return (await result.data()) as Float32Array;
    using rows = narrow(result, 0, 0, count);
    using logits = method.evaluate(rows);
    return (await logits.data()) as Float32Array;
  }
}
