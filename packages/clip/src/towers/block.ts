/**
 * One block, computed for those tokens only that somebody reads. All tokens give keys and values; queries, the attention's projection and the
 * feed-forward part work on each token alone, so tokens that nobody reads after the block need none of them. What is left has the numbers of
 * the whole block.
 */
import { checkpoint, feedForward, type RowsOf, type TransformerBlock } from '@mudpt/autograd';
import {
  type Activation,
  attention,
  type AttentionOptions,
  type AttentionPrefix,
  attentionQkv,
  type FloatDType,
  gelu,
  geluTanh,
  narrow,
  type PackedSequences,
  quickGelu,
  relu,
  reshape,
  rope,
  select,
  silu,
  type Tensor,
  unbind,
} from '@mudpt/tensor';
import { prefixedAttention } from '@mudpt/tensor/internal';
import { adaptedParts, adaptedProduct, type BlockAdapter } from './adapters.ts';
import { EvaBlock, withRows } from './eva-block.ts';

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

/** x with attention added, where the second half of a block begins, and how it gets x after the first norm. */
type Middle = { readonly middle: Tensor; readonly rows: () => Tensor; readonly rowsOf: RowsOf | undefined };

/** `block` over x [B, T, width], or packed [N, width] with `cuSeqlens`. @returns the tokens of x, or those picked */
export function runBlock(block: TransformerBlock, x: Tensor, options: BlockAttention, reads: BlockReads): Tensor {
  const { unread, pick, adapter, rotations, inHalves = false } = reads;
  if (inHalves) {
    const first = (input: Tensor, before: Tensor | undefined, given: BlockAttention): Tensor =>
      firstHalf(block, input, given, { ...reads, unread: before }).middle;
    return secondHalf(block, checkpoint(first)(x, unread, options), true);
  }
  if (!unread && !pick && !adapter && !rotations) return block.forward(x, options);
  return finish(block, firstHalf(block, x, options, reads), adapter);
}

/** The second half of a block without adapters. @param isTwice whether the backward computes it a second time */
function secondHalf(block: TransformerBlock, middle: Tensor, isTwice: boolean): Tensor {
  const run = (input: Tensor): Tensor => block.transform(input);
  return (isTwice ? checkpoint(run) : run)(middle);
}

function firstHalf(
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
function firstHalfAfterUnread(block: TransformerBlock, unread: Tensor, x: Tensor, options: BlockAttention): Middle {
  const { skip, out: normed } = block.norm1.forkAfter(unread, x, block.activationDType);
  const [batch = 1] = x.shape;
  const after = options.cuSeqlens ? {} : { batch };
  const prefixed = { ...options, ...after, prefix: unread.shape[0] as number, isRead: false };
  const attended = prefixedAttention(allParts(block, normed, undefined), prefixed);
  return project(block, skip, attended, { adapter: undefined, rows: () => normed });
}

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
  return secondHalf(block, (inHalves ? checkpoint(first) : first)(tokens), inHalves);
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
    return { ...rest, tokens: secondHalf(block, middle, true) };
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

/** Keys and values [n, heads, depth] of tokens [n, width]. */
function keysAndValues(block: TransformerBlock, tokens: Tensor, adapter: BlockAdapter | undefined): AttentionPrefix {
  const normed = block.norm1.forward(tokens, block.activationDType);
  const [k, v] = unbind(someParts(block, normed, ['k', 'v'], adapter, 'shared'), -3) as [Tensor, Tensor];
  return { k, v };
}

/** Rows of the fused projection. */
const PARTS = ['q', 'k', 'v'] as const;

/** Queries, keys and values [..., 3, heads, depth] of normed x [..., width]. */
function allParts(block: TransformerBlock, normed: Tensor, adapter: BlockAdapter | undefined, rowsOf?: RowsOf): Tensor {
  const parts = adaptedParts(block.attention.qkv, normed, adapter, PARTS, { dtype: block.activationDType, rowsOf });
  return byHeads(block, parts, PARTS.length);
}

/** Consecutive `names` of queries, keys and values, [..., count, heads, depth]: some rows of the fused projection. */
function someParts(
  block: TransformerBlock,
  normed: Tensor,
  names: readonly (typeof PARTS)[number][],
  adapter: BlockAdapter | undefined,
  rowsOf?: RowsOf,
): Tensor {
  const { qkv, width } = block.attention;
  const first = PARTS.indexOf(names[0] as (typeof PARTS)[number]);
  const part = (x: Tensor): Tensor => narrow(x, 0, first * width, names.length * width);
  const weights = { weight: part(qkv.weight), bias: qkv.bias && part(qkv.bias) };
  return byHeads(block, adaptedParts(weights, normed, adapter, names, { dtype: block.activationDType, rowsOf }), names.length);
}

function byHeads({ attention: { width, heads } }: TransformerBlock, parts: Tensor, count: number): Tensor {
  return reshape(parts, [...parts.shape.slice(0, -1), count, heads, width / heads]);
}

/** Alone, where something is added to the product before them. */
const ACTIVATIONS: Readonly<Record<Activation, (x: Tensor) => Tensor>> = {
  none: (x) => x,
  relu,
  gelu,
  geluTanh,
  quickGelu,
  silu,
};

/**
 * The projection of a block's attention and its residual x: `attended` has the elements of x.
 * @param rows gives x after the first norm
 */
function project(
  block: TransformerBlock,
  x: Tensor,
  attended: Tensor,
  {
    adapter,
    rows,
    rowsOf,
  }: { readonly adapter: BlockAdapter | undefined; readonly rows: () => Tensor; readonly rowsOf?: RowsOf },
): Middle {
  const heads = reshape(attended, x.shape);
  const inner = block instanceof EvaBlock ? block.attentionNorm.forward(heads) : heads;
  return {
    middle: adaptedProduct(block.attention.out, inner, adapter, 'out', { residual: x, dtype: streamDType(block, x), rowsOf }),
    rows,
    rowsOf,
  };
}

/** The dtype of what is added to the residual stream x: that of x, where the block's activations have another. */
function streamDType({ activationDType }: TransformerBlock, x: Tensor): FloatDType | undefined {
  return activationDType && (x.dtype as FloatDType);
}

/** The second half of a block. */
function finish(block: TransformerBlock, { middle, rows, rowsOf }: Middle, adapter: BlockAdapter | undefined): Tensor {
  if (!adapter?.parallel && !adapter?.lowRank?.up && !adapter?.lowRank?.down) return secondHalf(block, middle, false);
  const { activationDType } = block;
  const { skip, out: normed } = block.norm2.fork(middle, activationDType);
  const residual = adapter.parallel ? adapter.parallel(rows(), skip) : skip;
  if (block instanceof EvaBlock) return block.feed(normed, residual);
  const { up, down, activation } = block;
  const dtype = streamDType(block, middle);
  if (!adapter.lowRank?.up && !adapter.lowRank?.down)
    return feedForward(normed, up.weights, down.weights, { activation, residual, hiddenDType: activationDType, dtype });
  const hidden = ACTIVATIONS[activation](adaptedProduct(up, normed, adapter, 'up', { dtype: activationDType, rowsOf }));
  return adaptedProduct(down, hidden, adapter, 'down', { residual, dtype, rowsOf });
}
