/**
 * One block, computed for those tokens only that somebody reads. All tokens give keys and values; queries, the attention's projection and the
 * feed-forward part work on each token alone, so tokens that nobody reads after the block need none of them. What is left has the numbers of
 * the whole block.
 */
import type { TransformerBlock } from '@mudpt/autograd';
import {
  attention,
  type AttentionOptions,
  type AttentionPrefix,
  attentionQkv,
  linear,
  narrow,
  type PackedSequences,
  reshape,
  type Tensor,
  unbind,
} from '@mudpt/tensor';

/** Takes the tokens that are read after the last block, one of every sequence, as [count, width]. */
export type TokenPicker = (x: Tensor) => Tensor;

export type BlockAttention = Pick<AttentionOptions, 'causal' | 'cuSeqlens' | 'prefix'>;

/** What {@link runBlock} may leave out or add. */
export type BlockReads = {
  /** Tokens [n, width] that every token of every sequence attends to as well; of them only keys and values are computed. */
  readonly unread?: Tensor | undefined;
  /** The tokens that are read after the block. Default: all. */
  readonly pick?: TokenPicker | undefined;
};

/** `block` over x [B, T, width], or packed [N, width] with `cuSeqlens`. @returns the tokens of x, or those picked */
export function runBlock(block: TransformerBlock, x: Tensor, options: BlockAttention, { unread, pick }: BlockReads): Tensor {
  if (!unread && !pick) return block.forward(x, options);
  const { skip, out: normed } = block.norm1.fork(x);
  const seen = unread ? { ...options, prefix: keysAndValues(block, unread) } : options;
  if (!pick) return finish(block, skip, attentionQkv(allParts(block, normed), seen));
  const picked = pick(skip);
  // Under the causal mask, or packed, the kernels find a query's keys by its place: there all tokens have queries.
  if (options.causal || options.cuSeqlens) {
    const attended = attentionQkv(allParts(block, normed), seen);
    return finish(block, picked, pick(reshape(attended, x.shape)));
  }
  const [count, width] = picked.shape as [number, number];
  const q = someParts(block, reshape(pick(normed), [count, 1, width]), 0, 1);
  const [k, v] = unbind(someParts(block, normed, 1, 2), -3) as [Tensor, Tensor];
  return finish(block, picked, attention(reshape(q, [count, 1, ...k.shape.slice(-2)]), k, v, seen));
}

/** Tokens that all packed sequences begin with [P, width], and what follows in each [N, width]. */
export type PrefixedTokens = { readonly prefix: Tensor; readonly tokens: Tensor; readonly sequences: PackedSequences };

/**
 * `block` over packed causal sequences after a common prefix.
 * @param read which tokens are read after the block: whether the prefix's are, and which of the sequences'
 */
export function runPrefixedBlock(
  block: TransformerBlock,
  { prefix, tokens, sequences }: PrefixedTokens,
  read: { readonly prefix: boolean; readonly pick?: TokenPicker | undefined },
): { readonly prefix?: Tensor; readonly tokens: Tensor } {
  const after = (keys: AttentionPrefix): Tensor =>
    runBlock(block, tokens, { causal: true, cuSeqlens: sequences, prefix: keys }, { pick: read.pick });
  if (!read.prefix) return { tokens: after(keysAndValues(block, prefix)) };
  const { skip, out: normed } = block.norm1.fork(prefix);
  const parts = allParts(block, normed);
  const [, k, v] = unbind(parts, -3) as [Tensor, Tensor, Tensor];
  const attended = attentionQkv(reshape(parts, [1, ...parts.shape]), { causal: true });
  return { prefix: finish(block, skip, attended), tokens: after({ k, v }) };
}

/** Keys and values [n, heads, depth] of tokens [n, width]. */
function keysAndValues(block: TransformerBlock, tokens: Tensor): AttentionPrefix {
  const [k, v] = unbind(someParts(block, block.norm1.forward(tokens), 1, 2), -3) as [Tensor, Tensor];
  return { k, v };
}

/** Queries, keys and values [..., 3, heads, depth] of normed x [..., width]. */
function allParts(block: TransformerBlock, normed: Tensor): Tensor {
  return byHeads(block, block.attention.qkv.forward(normed), 3);
}

/** `count` of queries (0), keys (1) and values (2) from `first` on, [..., count, heads, depth]: some rows of the fused projection. */
function someParts(block: TransformerBlock, normed: Tensor, first: number, count: number): Tensor {
  const { qkv, width } = block.attention;
  const part = (x: Tensor): Tensor => narrow(x, 0, first * width, count * width);
  return byHeads(block, linear(normed, part(qkv.weight), qkv.bias && part(qkv.bias)), count);
}

function byHeads({ attention: { width, heads } }: TransformerBlock, parts: Tensor, count: number): Tensor {
  return reshape(parts, [...parts.shape.slice(0, -1), count, heads, width / heads]);
}

/** The rest of a block, after its attention: `attended` has the elements of the residual x. */
function finish(block: TransformerBlock, x: Tensor, attended: Tensor): Tensor {
  return block.transform(block.attention.out.forward(reshape(attended, x.shape), { residual: x }));
}
