/**
 * One block, computed for those tokens only that somebody reads. All tokens give keys and values; queries, the attention's projection and the
 * feed-forward part work on each token alone, so tokens that nobody reads after the block need none of them. What is left has the numbers of
 * the whole block.
 */
import { checkpoint, type TransformerBlock } from '@mudpt/autograd';
import {
  attention,
  type AttentionOptions,
  attentionQkv,
  narrow,
  reshape,
  rope,
  select,
  type Tensor,
  unbind,
} from '@mudpt/tensor';
import { prefixedAttention } from '@mudpt/tensor/internal';
import type { BlockAdapter } from './adapters.ts';
import { allParts, finish, keysAndValues, type Middle, project, secondHalf, someParts } from './block-halves.ts';
import { withRows } from './eva-block.ts';

/** Takes the tokens that are read after the last block, one of every sequence, as [count, width]. */
export type TokenPicker = (x: Tensor) => Tensor;

export type BlockAttention = Pick<AttentionOptions, 'causal' | 'cuSeqlens' | 'prefix'>;

/** What {@link runBlock} may leave out or add. */
export type BlockReads = {
  /** Tokens [n, width] that every token of every sequence attends to as well; of them only keys and values are computed. */
  readonly unread?: Tensor | undefined;
  /** Whether x is constant, so that a backward needs nothing but the gradients of unread tokens' keys and values. Default false. */
  readonly isConstant?: boolean;
  /** The tokens that are read after the block. Default: all. */
  readonly pick?: TokenPicker | undefined;
  readonly adapter?: BlockAdapter | undefined;
  /** A table of `rope` by which queries and keys turn, row by row of x; those of `unread` tokens do not. */
  readonly rotations?: Tensor | undefined;
  /** Keep only the inputs of its halves for the backward; not together with an adapter. Default false. */
  readonly inHalves?: boolean | undefined;
};

/** `block` over x [B, T, width], or packed [N, width] with `cuSeqlens`. @returns the tokens of x, or those picked */
export function runBlock(block: TransformerBlock, x: Tensor, options: BlockAttention, reads: BlockReads): Tensor {
  const { unread, pick, adapter, rotations, inHalves = false } = reads;
  if (inHalves) {
    const first = (input: Tensor, before: Tensor | undefined, given: BlockAttention): Tensor =>
      firstHalf(block, input, given, { ...reads, unread: before }).middle;
    return secondHalf(block, checkpoint(first)(x, unread, options), { isTwice: true });
  }
  if (!unread && !pick && !adapter && !rotations) return block.forward(x, options);
  return finish(block, firstHalf(block, x, options, reads), adapter);
}

export function firstHalf(
  block: TransformerBlock,
  x: Tensor,
  options: BlockAttention,
  { unread, isConstant = false, pick, adapter, rotations }: BlockReads,
): Middle {
  if (unread && !isConstant && !pick && !adapter && !rotations) return firstHalfAfterUnread(block, unread, x, options);
  const { skip, out: normed } = block.norm1.fork(x, block.activationDType);
  const seen = unread ? { ...options, prefix: keysAndValues(block, unread, adapter) } : options;
  if (!pick) {
    const attended = attend(allParts(block, normed, adapter), seen, rotations);
    return project(block, skip, attended, { adapter, rows: () => normed });
  }
  const picked = pick(skip);
  // Under the causal mask, or packed, the kernels find a query's keys by its place: there all tokens have queries.
  if (options.causal || options.cuSeqlens) {
    const attended = attentionQkv(allParts(block, normed, adapter), seen);
    const heads = pick(reshape(attended, x.shape));
    return project(block, picked, heads, { adapter, rows: () => pick(normed), rowsOf: 'sequences' });
  }
  const [count, width] = picked.shape as [number, number];
  const rows = pick(normed);
  const q = someParts(block, reshape(rows, [count, 1, width]), ['q'], adapter);
  const [keys, v] = unbind(someParts(block, normed, ['k', 'v'], adapter), -3) as [Tensor, Tensor];
  // What is picked without a mask is the class token, which does not turn.
  const k = rotations ? rotated(keys, rotations) : keys;
  const attended = attention(reshape(q, [count, 1, ...k.shape.slice(-2)]), k, v, seen);
  return project(block, picked, attended, { adapter, rows: () => rows });
}

/** Attention of fused parts [B, T, 3, heads, depth]. */
function attend(parts: Tensor, options: AttentionOptions, rotations: Tensor | undefined): Tensor {
  if (!rotations) return attentionQkv(parts, options);
  const [batch = 0, length = 0, , heads = 0, depth = 0] = parts.shape;
  const both = rotated(reshape(narrow(parts, -3, 0, 2), [batch, length, 2 * heads, depth]), rotations);
  const [q, k] = unbind(reshape(both, [batch, length, 2, heads, depth]), -3) as [Tensor, Tensor];
  return attention(q, k, select(parts, -3, 2), options);
}

/** x [B, T, heads, depth], each row turned by that of the table. */
function rotated(x: Tensor, table: Tensor): Tensor {
  return rope(x, withRows(table, x.shape[1] as number), { interleaved: true });
}

/** The first half over x with keys and values of `unread`, in the products that give those of x. */
export function firstHalfAfterUnread(block: TransformerBlock, unread: Tensor, x: Tensor, options: BlockAttention): Middle {
  const { skip, out: normed } = block.norm1.forkAfter(unread, x, block.activationDType);
  const [batch = 1] = x.shape;
  const after = options.cuSeqlens ? {} : { batch };
  const prefixed = { ...options, ...after, prefix: unread.shape[0] as number, isRead: false };
  const attended = prefixedAttention(allParts(block, normed, undefined), prefixed);
  return project(block, skip, attended, { adapter: undefined, rows: () => normed });
}
