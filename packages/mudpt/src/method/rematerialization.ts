/**
 * Rematerialization in a training step: which tensors are kept for the backward, and which are computed a second time. It trades time for memory: losses and gradients are the
 * same, up to the order in which gradients of micro-batches are added.
 */

import type { Recompute } from '@mudpt/clip';

/** Rematerialization of one tower. */
export type TowerRematerialization = {
  /** Keep the inputs of blocks ('selective': of half blocks), and compute what is between a second time. */
  readonly recompute: Recompute;
  /**
   * 0: the tower runs once. Otherwise in two passes (GradCache, arXiv 2101.06983): the first one keeps only the features; the backward runs
   * the tower again in so many micro-batches, and keeps no more than one of them needs.
   */
  readonly microBatches: number;
};

/** Texts are cut between classes, images between images. */
export type Rematerialization = { readonly text: TowerRematerialization; readonly image: TowerRematerialization };

const WHOLE: TowerRematerialization = { recompute: false, microBatches: 0 };
const BLOCKS: TowerRematerialization = { recompute: true, microBatches: 0 };

/** Whatever a gradient reads is kept: the fastest. */
export const KEEP_ALL: Rematerialization = { text: WHOLE, image: WHOLE };

/** Only the inputs of blocks are kept. */
export const RECOMPUTE: Rematerialization = { text: BLOCKS, image: BLOCKS };

/** The inputs of half blocks are kept: a few products are not computed again that {@link RECOMPUTE} does. */
export const SELECTIVE: Rematerialization = {
  text: { recompute: 'selective', microBatches: 0 },
  image: { recompute: 'selective', microBatches: 0 },
};

/** In words, for people. */
export function describeRematerialization({ text, image }: Rematerialization): string {
  const of = ({ recompute, microBatches }: TowerRematerialization, what: string): string => {
    const twice = recompute === 'selective' ? 'half blocks computed twice' : 'blocks computed twice';
    if (microBatches > 0)
      return `${what} in two passes of ${microBatches} ${microBatches === 1 ? 'part' : 'parts'}${recompute ? `, ${twice}` : ''}`;
    return recompute ? `${what} with ${twice}` : `${what} kept whole`;
  };
  if ([text, image].every(({ recompute, microBatches }) => !recompute && microBatches === 0)) return 'everything kept';
  return `${of(text, 'texts')}, ${of(image, 'images')}`;
}
