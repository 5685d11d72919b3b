/** What a batch is compared by: which image has which caption, and which images show one concept. */
import type { HostInput } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';

/** Added to a logit that shall count for nothing. */
const NEVER = -1e9;

export type HostTargets = Readonly<Record<'captions' | 'weights' | 'mask' | 'twins' | 'twinMask', HostInput>>;

export type BatchMember = {
  /** Index of its caption. */
  readonly caption: number;
  readonly group: number;
  /** Images of one category but of different things are neither pulled together nor pushed apart. */
  readonly category: string;
};

/** @param texts different captions @param rows those and the padding after them */
export function targetsOf(members: readonly BatchMember[], texts: number, rows: number): HostTargets {
  const count = members.length;
  const captions = Int32Array.from(members, ({ caption }) => caption);
  const owners = new Float32Array(rows);
  for (const caption of captions) owners[caption] = nth(owners, caption) + 1;
  const weights = new Float32Array(rows * count);
  captions.forEach((caption, image) => {
    weights[caption * count + image] = 1 / (texts * nth(owners, caption));
  });
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
    captions: { data: captions, shape: [count], dtype: 'i32' },
    weights: { data: weights, shape: [rows, count] },
    mask: { data: Float32Array.from({ length: rows }, (_, row) => (row < texts ? 0 : NEVER)), shape: [rows] },
    twins: { data: twins, shape: [count, count] },
    twinMask: { data: twinMask, shape: [count, count] },
  };
}
