/** Batches of drawings and captions. Every batch is a function of the seed and its number alone, so that training resumes anywhere. */
import type { HostInput } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { type Random, randomFrom } from '@mudpt/autograd';
import type { Tokenizer } from '@mudpt/clip';
import type { Subject } from '../datasets/icons/collection/match.ts';
import type { Drawing, Rendering } from '../datasets/icons/collection/drawings.ts';
import { stage } from './augment.ts';
import { AUGMENT_NUMBERS, type AugmentParameters, drawAugment, packAugment } from './augment-parameters.ts';
import type { CaptionStyle } from './captions.ts';
import { type DrawingGroup, drawIndex, groupsOf, runningSums } from './groups.ts';
import { drawnCells, drawPatches } from './patches.ts';
import { keptPatches, namesAllTrue, type Recipe, strengthAt } from './recipe.ts';
import { type BatchMember, type HostTargets, targetsOf } from './targets.ts';

export type HostBatch = HostTargets & Readonly<Record<'drawings' | 'isRgba' | 'records' | 'places' | 'ids', HostInput>>;

/** What writes captions. */
export type CaptionWriter = {
  beginning(random: Random): CaptionStyle;
  draw(subject: Subject, style: CaptionStyle, random: Random): string;
  /** What is true of everything in the category. */
  ofCategory(subject: Subject, style: CaptionStyle): string;
};

/** An image of a batch, before any pixel is made. */
type BatchImage = Omit<BatchMember, 'captions'> & {
  /** Its own, and the one of its category, as texts. */
  readonly texts: readonly string[];
  readonly rendering: Rendering;
  readonly record: AugmentParameters;
  readonly places: readonly number[];
};

export class Batches {
  private readonly groups: readonly DrawingGroup[];
  private readonly sums: Float64Array;
  private readonly cells = new WeakMap<Rendering, Uint8Array>();

  constructor(
    drawings: readonly Drawing[],
    private readonly captions: CaptionWriter,
    private readonly tokenizer: Tokenizer,
    private readonly recipe: Recipe,
  ) {
    this.groups = groupsOf(drawings, recipe);
    this.sums = runningSums(this.groups);
  }

  /** Batch number `step`: `views` drawings each of `batch / views` things, one caption written for each thing. */
  make(step: number): HostBatch {
    const { batch, views, seed, side } = this.recipe;
    const random = randomFrom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(step + 1, 0x85ebca6b));
    const texts = new Map<string, number>();
    const style = this.captions.beginning(random);
    const count = batch / views;
    const images = this.drawGroups(count, random).flatMap((index) => {
      const { styles, category } = nth(this.groups, index);
      const drawings = drawViews(styles, views, random);
      const { subject } = nth(drawings, 0);
      const text = this.captions.draw(subject, style, random);
      texts.set(text, texts.get(text) ?? texts.size);
      const all = [text, ...(namesAllTrue(step, this.recipe) ? [this.captions.ofCategory(subject, style)] : [])];
      return drawings.map((drawing) => this.augmented({ texts: all, group: index, category }, drawing, step, random));
    });
    const members = images.map((image) => ({
      ...image,
      captions: [...new Set(image.texts.flatMap((text) => texts.get(text) ?? []))],
    }));
    const { words, isRgba } = stage(
      images.map(({ rendering }) => rendering),
      side,
    );
    const places = Int32Array.from(images.flatMap((image) => image.places));
    return {
      drawings: { data: words, shape: [batch, side * side], dtype: 'u32' },
      isRgba: { data: isRgba, shape: [batch], dtype: 'i32' },
      records: { data: packAugment(images.map(({ record }) => record)), shape: [batch, AUGMENT_NUMBERS] },
      places: { data: places, shape: [batch, places.length / batch], dtype: 'i32' },
      ids: this.encode([...texts.keys()], count),
      ...targetsOf(members, texts.size, count),
    };
  }

  private augmented(
    member: Pick<BatchImage, 'texts' | 'group' | 'category'>,
    { renderings }: Drawing,
    step: number,
    random: Random,
  ): BatchImage {
    const { side, model } = this.recipe;
    const rendering = pick(renderings, random);
    const record = drawAugment(rendering.kind, strengthAt(step, this.recipe), random);
    const across = model.image.size / model.image.patch;
    const cells = this.cells.get(rendering) ?? drawnCells(rendering, side);
    this.cells.set(rendering, cells);
    const places = drawPatches(cells, record, { across, kept: keptPatches(step, this.recipe) }, random);
    return { ...member, rendering, record, places };
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
  private drawGroups(count: number, random: Random): number[] {
    const drawn = new Set<number>();
    while (drawn.size < count) drawn.add(drawIndex(this.sums, random()));
    return [...drawn];
  }
}

/** `count` drawings of one thing: of different styles as long as there are some. */
function drawViews(styles: readonly (readonly Drawing[])[], count: number, random: Random): Drawing[] {
  let left: (readonly Drawing[])[] = [];
  return Array.from({ length: count }, () => {
    if (left.length === 0) left = [...styles];
    const [style = []] = left.splice(Math.floor(random() * left.length), 1);
    return pick(style, random);
  });
}

const pick = <T>(list: readonly T[], random: Random): T => nth(list, Math.floor(random() * list.length));
