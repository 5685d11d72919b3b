/** One block over packed causal sequences after a common prefix: both in one tensor, or each in its own. */
import { checkpoint, type TransformerBlock } from '@mudpt/autograd';
import { type AttentionPrefix, attentionQkv, type PackedSequences, reshape, type Tensor, unbind } from '@mudpt/tensor';
import { prefixedAttention } from '@mudpt/tensor/internal';
import type { BlockAdapter } from './adapters.ts';
import { firstHalf, firstHalfAfterUnread, type TokenPicker } from './block.ts';
import { allParts, finish, keysAndValues, type Middle, project, secondHalf } from './block-halves.ts';

/** Packed sequences after a common prefix of `prefix` tokens, in one tensor [prefix + N, width]. */
export type JoinedTokens = { readonly joined: Tensor; readonly prefix: number; readonly sequences: PackedSequences };

/**
 * `block` over packed causal sequences and their prefix, each of its products over all tokens at once.
 * @param options.picks the only tokens that are read after the block: from all, and from those of the sequences
 * @param options.inHalves keep only the inputs of its halves for the backward
 */
export function runJoinedBlock(
  block: TransformerBlock,
  tokens: JoinedTokens,
  options: {
    readonly picks?: { readonly joined: TokenPicker; readonly tokens: TokenPicker } | undefined;
    readonly inHalves?: boolean;
  } = {},
): Tensor {
  const { picks, inHalves = false } = options;
  const first = ({ joined, prefix, sequences }: JoinedTokens): Tensor => {
    const { skip, out: normed } = block.norm1.fork(joined, block.activationDType);
    const parts = allParts(block, normed, undefined);
    const attended = prefixedAttention(parts, { prefix, isRead: picks === undefined, causal: true, cuSeqlens: sequences });
    const more = { adapter: undefined, rows: () => normed };
    if (!picks) return project(block, skip, attended, more).middle;
    const heads = picks.tokens(reshape(attended, [-1, block.attention.width]));
    return project(block, picks.joined(skip), heads, more).middle;
  };
  return secondHalf(block, (inHalves ? checkpoint(first) : first)(tokens), { isTwice: inHalves });
}

/** Tokens that all packed sequences begin with [P, width], and what follows in each [N, width]. */
export type PrefixedTokens = { readonly prefix: Tensor; readonly tokens: Tensor; readonly sequences: PackedSequences };

/** What of a block's tokens is read after it, and how it runs. */
export type PrefixedReads = {
  /** Whether those of the prefix are. */
  readonly prefix: boolean;
  readonly isConstant: boolean;
  /** Those of the sequences that are. Default: all. */
  readonly pick?: TokenPicker | undefined;
  readonly adapter?: BlockAdapter | undefined;
  /** Keep only the inputs of its halves for the backward; not together with an adapter. */
  readonly inHalves?: boolean;
};

/** `block` over packed causal sequences after a common prefix. */
export function runPrefixedBlock(
  block: TransformerBlock,
  tokens: PrefixedTokens,
  read: PrefixedReads,
): { readonly prefix?: Tensor; readonly tokens: Tensor } {
  const { adapter, inHalves = false } = read;
  if (inHalves) {
    // Of the prefix, which is short, both halves are computed in the first.
    const first = (given: PrefixedTokens): { readonly prefix?: Tensor; readonly middle: Tensor } => {
      const { of, ...rest } = firstPrefixedHalf(block, given, read);
      return { ...rest, middle: of.middle };
    };
    const { middle, ...rest } = checkpoint(first)(tokens);
    return { ...rest, tokens: secondHalf(block, middle, { isTwice: true }) };
  }
  const { of, ...rest } = firstPrefixedHalf(block, tokens, read);
  return { ...rest, tokens: finish(block, of, adapter) };
}

/** The prefix after the whole block, where it is read, and the sequences' tokens in its middle. */
function firstPrefixedHalf(
  block: TransformerBlock,
  { prefix, tokens, sequences }: PrefixedTokens,
  read: PrefixedReads,
): { readonly prefix?: Tensor; readonly of: Middle } {
  const { adapter } = read;
  const options = { causal: true, cuSeqlens: sequences };
  const after = (keys: AttentionPrefix): Middle =>
    firstHalf(block, tokens, { ...options, prefix: keys }, { pick: read.pick, adapter });
  if (!read.prefix && !read.isConstant && !read.pick && !adapter)
    return { of: firstHalfAfterUnread(block, prefix, tokens, options) };
  if (!read.prefix) return { of: after(keysAndValues(block, prefix, adapter)) };
  const { skip, out: normed } = block.norm1.fork(prefix, block.activationDType);
  const parts = allParts(block, normed, adapter, 'shared');
  const [, k, v] = unbind(parts, -3) as [Tensor, Tensor, Tensor];
  const attended = attentionQkv(reshape(parts, [1, ...parts.shape]), { causal: true });
  const whole = finish(block, project(block, skip, attended, { adapter, rows: () => normed, rowsOf: 'shared' }), adapter);
  return { prefix: whole, of: after({ k, v }) };
}
