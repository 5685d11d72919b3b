/**
 * What a training step keeps for its backward, and what it computes a second time instead. Memory for time: losses and gradients are the
 * same, up to the order in which gradients of parts are added.
 */

/** One tower's share of a step. */
export type TowerEconomy = {
  /** Keep the inputs of blocks, and compute what is inside a block a second time. */
  readonly recompute: boolean;
  /**
   * 0: the tower runs once. Otherwise in two passes (GradCache, arXiv 2101.06983): the first one keeps only the features; the backward runs
   * the tower again in so many parts, and keeps no more than one part needs.
   */
  readonly parts: number;
};

/** Texts are cut between classes, images between images. */
export type Economy = { readonly text: TowerEconomy; readonly image: TowerEconomy };

/** Whatever a gradient reads is kept: the fastest. */
export const KEEP_ALL: Economy = { text: { recompute: false, parts: 0 }, image: { recompute: false, parts: 0 } };

/** Only the inputs of blocks are kept. */
export const RECOMPUTE: Economy = { text: { recompute: true, parts: 0 }, image: { recompute: true, parts: 0 } };

/** In words, for people. */
export function describeEconomy({ text, image }: Economy): string {
  const of = ({ recompute, parts }: TowerEconomy, what: string): string => {
    const blocks = recompute ? ', blocks computed twice' : '';
    if (parts > 0) return `${what} in two passes of ${parts} ${parts === 1 ? 'part' : 'parts'}${blocks}`;
    return recompute ? `${what} with blocks computed twice` : `${what} kept whole`;
  };
  if (JSON.stringify({ text, image }) === JSON.stringify(KEEP_ALL)) return 'everything kept';
  return `${of(text, 'texts')}, ${of(image, 'images')}`;
}
