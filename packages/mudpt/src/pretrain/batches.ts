/** Batches of images and captions. Every batch is a function of the seed and its number alone, so that training resumes anywhere. */
import type { HostInput } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { type Random, randomFrom } from '@mudpt/autograd';
import type { Tokenizer } from '@mudpt/clip';
import type { Drawing } from '../datasets/icons/drawings.ts';
import type { Subject } from '../datasets/icons/collection/match.ts';
import { augmentInto } from './augment.ts';
import { drawAugment } from './augment-parameters.ts';
import { type Captions, categoryWords } from './captions.ts';
import type { Recipe } from './recipe.ts';

/** The number of texts is rounded up to a multiple of this: a step is recorded anew for every number there is. */
const TEXTS = 8;

export type HostBatch = Readonly<Record<'images' | 'ids' | 'captions' | 'weights' | 'mask', HostInput>>;

export class Batches {
  private readonly groups: readonly { readonly subject: Subject; readonly drawings: readonly Drawing[] }[];
  /** Running sums of the groups' odds. */
  private readonly sums: Float64Array;

  constructor(
    drawings: readonly Drawing[],
    private readonly captions: Captions,
    private readonly tokenizer: Tokenizer,
    private readonly recipe: Recipe,
  ) {
    const groups = new Map<string, { subject: Subject; drawings: Drawing[] }>();
    for (const drawing of drawings) {
      const group = groups.get(drawing.subject.key) ?? { subject: drawing.subject, drawings: [] };
      groups.set(drawing.subject.key, group);
      group.drawings.push(drawing);
    }
    this.groups = [...groups.values()];
    const odds = this.groups.map(({ drawings: all }) => Math.sqrt(new Set(all.map(({ style }) => style)).size));
    const sums = new Map<string, number>();
    for (const [index, { subject }] of this.groups.entries())
      sums.set(categoryWords(subject), (sums.get(categoryWords(subject)) ?? 0) + nth(odds, index));
    let total = 0;
    this.sums = Float64Array.from(this.groups, ({ subject }, index) => {
      // Things drawn in more styles come a little more often, those of crowded categories less.
      return (total += nth(odds, index) / (sums.get(categoryWords(subject)) ?? 1) ** this.recipe.balance);
    });
  }

  /** Batch number `step`. */
  make(step: number): HostBatch {
    const { batch, seed, side, strength, model } = this.recipe;
    const random = randomFrom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(step + 1, 0x85ebca6b));
    const { size } = model.image;
    const images = new Float32Array(batch * 3 * size * size);
    const texts = new Map<string, number>();
    const captions = new Int32Array(batch);
    const beginning = this.captions.beginning(random);
    for (let index = 0; index < batch; index++) {
      const { drawings } = nth(this.groups, this.drawGroup(random));
      const { subject, renderings } = nth(drawings, Math.floor(random() * drawings.length));
      const rendering = nth(renderings, Math.floor(random() * renderings.length));
      augmentInto(images, index * 3 * size * size, { rendering, side, size }, drawAugment(rendering.kind, strength, random));
      const caption = this.captions.draw(subject, beginning, random);
      const place = texts.get(caption) ?? texts.size;
      texts.set(caption, place);
      captions[index] = place;
    }
    return { images: { data: images, shape: [batch, 3, size, size] }, ...this.encode([...texts.keys()], captions) };
  }

  private encode(texts: readonly string[], captions: Int32Array): Omit<HostBatch, 'images'> {
    const contextLength = this.recipe.captionTokens;
    const rows = texts.map((text) => this.tokenizer.encode(text));
    const padded = Math.min(captions.length, Math.ceil(texts.length / TEXTS) * TEXTS);
    const ids = new Int32Array(padded * contextLength);
    rows.forEach((row, index) => {
      const kept = row.length > contextLength ? [...row.slice(0, contextLength - 1), this.tokenizer.end] : row;
      ids.set(kept, index * contextLength);
    });
    // Rows of padding are the first text again, and count for nothing.
    for (let row = texts.length; row < padded; row++) ids.copyWithin(row * contextLength, 0, contextLength);
    const counts = new Float32Array(texts.length);
    for (const caption of captions) counts[caption] = nth(counts, caption) + 1;
    const weights = new Float32Array(padded * captions.length);
    captions.forEach((caption, image) => {
      weights[caption * captions.length + image] = 1 / (texts.length * nth(counts, caption));
    });
    return {
      ids: { data: ids, shape: [padded, contextLength], dtype: 'i32' },
      captions: { data: captions, shape: [captions.length], dtype: 'i32' },
      weights: { data: weights, shape: [padded, captions.length] },
      mask: { data: Float32Array.from({ length: padded }, (_, row) => (row < texts.length ? 0 : -1e9)), shape: [padded] },
    };
  }

  private drawGroup(random: Random): number {
    const wanted = random() * nth(this.sums, this.sums.length - 1);
    let [low, high] = [0, this.sums.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (nth(this.sums, middle) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
