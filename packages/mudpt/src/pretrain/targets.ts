/** What a batch is compared by: which captions are true of which image, and which images show one concept. */
import type { HostInput } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';

/** Added to a logit that shall count for nothing. */
const NEVER = -1e9;

export type HostTargets = Readonly<Record<'toTexts' | 'toImages' | 'mask' | 'twins' | 'twinMask', HostInput>>;

export type BatchMember = {
  /** Indices of the captions that are true of it, different ones. */
  readonly captions: readonly number[];
  readonly group: number;
  /** Images of one category but of different things are neither pulled together nor pushed apart. */
  readonly category: string;
};

/** @param texts different captions @param rows those and the padding after them */
export function targetsOf(members: readonly BatchMember[], texts: number, rows: number): HostTargets {
  const count = members.length;
  const images = new Float32Array(rows);
  for (const { captions } of members) for (const caption of captions) images[caption] = nth(images, caption) + 1;
  const toTexts = new Float32Array(count * rows);
  const toImages = new Float32Array(rows * count);
  for (const [image, { captions }] of members.entries())
    for (const caption of captions) {
      toTexts[image * rows + caption] = 1 / (count * captions.length);
      toImages[caption * count + image] = 1 / (texts * nth(images, caption));
    }
  const twins = new Float32Array(count * count);
  const twinMask = new Float32Array(count * count);
  for (const [row, one] of members.entries()) {
    const alike = members.filter(({ group }, column) => group === one.group && column !== row).length;
    for (const [column, other] of members.entries()) {
      const at = row * count + column;
      if (column === row) twinMask[at] = NEVER;
      else if (other.group === one.group) twins[at] = 1 / (count * alike);
      else if (other.category === one.category) twinMask[at] = NEVER;
    }
  }
  return {
    toTexts: { data: toTexts, shape: [count, rows] },
    toImages: { data: toImages, shape: [rows, count] },
    mask: { data: Float32Array.from({ length: rows }, (_, row) => (row < texts ? 0 : NEVER)), shape: [rows] },
    twins: { data: twins, shape: [count, count] },
    twinMask: { data: twinMask, shape: [count, count] },
  };
}
