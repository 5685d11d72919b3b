/** Batches of drawings and captions. Every batch is a function of the seed and its number alone, so that training resumes anywhere. */
import type { HostInput } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { type Random, randomFrom } from '@mudpt/autograd';
import type { Tokenizer } from '@mudpt/clip';
import { stage } from './augment.ts';
import { AUGMENT_NUMBERS, type AugmentParameters, drawAugment, packAugment, type PixelKind } from './augment-parameters.ts';
import type { Captions } from './captions.ts';
import { drawnCells, drawPatches } from './patches.ts';
import { keptPatches, type Recipe } from './recipe.ts';
import { type BatchMember, type HostTargets, targetsOf } from './targets.ts';

/** A drawing as batches need it. */
export type BatchDrawing = { readonly style: string; readonly kind: PixelKind; readonly pixels: Uint8Array };

/** What several drawings show. */
export type Subject = {
  /** How often it comes, compared with others. */
  readonly odds: number;
  readonly category: string;
  readonly drawings: readonly BatchDrawing[];
  readonly caption: (beginning: string, random: Random) => string;
};

export type HostBatch = HostTargets & Readonly<Record<'drawings' | 'isRgba' | 'records' | 'places' | 'ids', HostInput>>;

type Shown = BatchMember & {
  readonly drawing: BatchDrawing;
  readonly record: AugmentParameters;
  readonly places: readonly number[];
};

export class Batches {
  /** Running sums of the subjects' odds. */
  private readonly sums: Float64Array;
  private readonly cells = new WeakMap<Uint8Array, Uint8Array>();

  constructor(
    private readonly subjects: readonly Subject[],
    private readonly captions: Pick<Captions, 'beginning'>,
    private readonly tokenizer: Tokenizer,
    private readonly recipe: Recipe,
  ) {
    let total = 0;
    this.sums = Float64Array.from(subjects, ({ odds }) => (total += odds));
  }

  /** Batch number `step`: `views` drawings each of `batch / views` subjects, one caption a subject. */
  make(step: number): HostBatch {
    const { batch, views, seed, side } = this.recipe;
    const random = randomFrom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(step + 1, 0x85ebca6b));
    const texts = new Map<string, number>();
    const beginning = this.captions.beginning(random);
    const count = batch / views;
    const shown = this.drawSubjects(count, random).flatMap((index) => {
      const subject = nth(this.subjects, index);
      const text = subject.caption(beginning, random);
      const caption = texts.get(text) ?? texts.size;
      texts.set(text, caption);
      const member = { caption, subject: index, category: subject.category };
      return drawViews(subject.drawings, views, random).map((drawing) => this.show(member, drawing, step, random));
    });
    const { words, isRgba } = stage(
      shown.map(({ drawing }) => drawing),
      side,
    );
    const kept = nth(shown, 0).places.length;
    return {
      drawings: { data: words, shape: [batch, side * side], dtype: 'u32' },
      isRgba: { data: isRgba, shape: [batch], dtype: 'i32' },
      records: { data: packAugment(shown.map(({ record }) => record)), shape: [batch, AUGMENT_NUMBERS] },
      places: { data: Int32Array.from(shown.flatMap(({ places }) => places)), shape: [batch, kept], dtype: 'i32' },
      ids: this.encode([...texts.keys()], count),
      ...targetsOf(shown, texts.size, count),
    };
  }

  private show(member: BatchMember, drawing: BatchDrawing, step: number, random: Random): Shown {
    const { strength, side, model } = this.recipe;
    const record = drawAugment(drawing.kind, strength, random);
    const across = model.image.size / model.image.patch;
    const cells = this.cells.get(drawing.pixels) ?? drawnCells(drawing, side);
    this.cells.set(drawing.pixels, cells);
    const places = drawPatches(cells, record, { across, kept: keptPatches(step, this.recipe) }, random);
    return { ...member, drawing, record, places };
  }

  /** Token ids [rows, captionTokens]; rows of padding are the first text again, and count for nothing. */
  private encode(texts: readonly string[], rows: number): HostInput {
    const { captionTokens } = this.recipe;
    const ids = new Int32Array(rows * captionTokens);
    for (const [index, text] of texts.entries()) {
      const row = this.tokenizer.encode(text);
      const kept = row.length > captionTokens ? [...row.slice(0, captionTokens - 1), this.tokenizer.end] : row;
      ids.set(kept, index * captionTokens);
    }
    for (let row = texts.length; row < rows; row++) ids.copyWithin(row * captionTokens, 0, captionTokens);
    return { data: ids, shape: [rows, captionTokens], dtype: 'i32' };
  }

  /** Different ones, by their odds. */
  private drawSubjects(count: number, random: Random): number[] {
    const drawn = new Set<number>();
    while (drawn.size < count) drawn.add(this.drawSubject(random));
    return [...drawn];
  }

  private drawSubject(random: Random): number {
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

/** `count` drawings: of different styles as long as there are some, then any. A style with many drawings comes no more often than others. */
function drawViews(drawings: readonly BatchDrawing[], count: number, random: Random): BatchDrawing[] {
  const styles = [...new Set(drawings.map(({ style }) => style))];
  const pick = <T>(list: readonly T[]): T => nth(list, Math.floor(random() * list.length));
  let left: string[] = [];
  return Array.from({ length: count }, () => {
    if (left.length === 0) left = [...styles];
    const style = pick(left);
    left = left.filter((one) => one !== style);
    return pick(drawings.filter((drawing) => drawing.style === style));
  });
}
