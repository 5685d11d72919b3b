/** Options of attention. */
import type { Tensor } from '../../tensor.ts';
import type { DropoutOptions } from '../dropout.ts';
import type { PackedSequences } from './sequences.ts';

/** Keys and values [P, H, D] (any strides) that every query of every sequence attends to before the keys of its sequence. */
export type AttentionPrefix = { readonly k: Tensor; readonly v: Tensor };

/** Which keys a query attends to, and what becomes of its scores. */
export type AttentionOptions = {
  /** Query i attends to keys up to i + `queryOffset` of its sequence (and the whole prefix). */
  readonly causal?: boolean;
  /**
   * Where the first query stands among the keys, for `causal` and `window`. Default 0: query 0 beside key 0, as in PyTorch. 'end': the last query beside
   * the last key, as when older keys come from a cache.
   */
  readonly queryOffset?: number | 'end';
  /** Query i attends to keys from i + `queryOffset` - left up to i + `queryOffset` + right, and the whole prefix; a side left out has no bound. */
  readonly window?: AttentionWindow;
  /**
   * Broadcast to [B, H, Tq, Tk], of dense inputs: bool, true where a query attends to a key; or f32 or f16, added to the scores (minus infinity hides a
   * key). Keys of the prefix have no mask.
   */
  readonly mask?: Tensor;
  /** Multiplies the scores; default 1 / sqrt(D). */
  readonly scale?: number;
  /** Scores x become softCap * tanh(x / softCap), before the mask. */
  readonly softCap?: number;
  /** Probabilities become 0 by chance, see {@link DropoutOptions}. */
  readonly dropout?: DropoutOptions;
  /** Packed inputs [N, H, D]: where their sequences lie, as made by `packedSequences`, or cumulative lengths known to the host. */
  readonly cuSeqlens?: PackedSequences | readonly number[];
  /** Keys and values in front of those of every sequence. */
  readonly prefix?: AttentionPrefix;
};

/** Numbers of keys on both sides of a query's own. */
export type AttentionWindow = { readonly left?: number; readonly right?: number };
