/**
 * One block, computed for those rows only that somebody reads. All rows give keys and values; queries, the attention's projection and the
 * feed-forward part work on each row alone, so rows that nobody reads behind the block need none of them. What is left has the numbers of
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

/** Takes the rows that are read after the last block, one of every sequence, as [count, width]. */
export type RowPicker = (x: Tensor) => Tensor;

export type BlockAttention = Pick<AttentionOptions, 'causal' | 'cuSeqlens' | 'prefix'>;

/** What {@link blockRows} may leave out or add. */
export type BlockRows = {
  /** Rows [n, width] that every row of every sequence attends to as well; of them only keys and values are computed. */
  readonly extra?: Tensor | undefined;
  /** The rows that are read behind the block. Default: all. */
  readonly pick?: RowPicker | undefined;
};

/** `block` over x [B, T, width], or packed [N, width] with `cuSeqlens`. @returns the rows of x, or those picked */
export function blockRows(block: TransformerBlock, x: Tensor, options: BlockAttention, { extra, pick }: BlockRows): Tensor {
  if (!extra && !pick) return block.forward(x, options);
  const { skip, out: normed } = block.norm1.fork(x);
  const seen = extra ? { ...options, prefix: keysAndValues(block, extra) } : options;
  if (!pick) return finish(block, skip, attentionQkv(allParts(block, normed), seen));
  const own = pick(skip);
  // Under the causal mask, or packed, the kernels find a query's keys by its place: there all rows have queries.
  if (options.causal || options.cuSeqlens) {
    const attended = attentionQkv(allParts(block, normed), seen);
    return finish(block, own, pick(reshape(attended, x.shape)));
  }
  const q = someParts(block, reshape(pick(normed), [own.shape[0] ?? 0, 1, own.shape[1] ?? 0]), 0, 1);
  const [k, v] = unbind(someParts(block, normed, 1, 2), -3) as [Tensor, Tensor];
  return finish(block, own, attention(reshape(q, [q.shape[0] ?? 0, 1, ...k.shape.slice(-2)]), k, v, seen));
}

/** Rows that all packed sequences begin with, and the sequences' own. */
export type SharedRows = { readonly head: Tensor; readonly rows: Tensor; readonly sequences: PackedSequences };

/**
 * `block` over packed causal sequences behind a common beginning.
 * @param read which rows are read behind the block: whether the beginning's are, and which of the sequences'
 */
export function sharedBlock(
  block: TransformerBlock,
  { head, rows, sequences }: SharedRows,
  read: { readonly head: boolean; readonly pick?: RowPicker | undefined },
): { readonly head?: Tensor; readonly rows: Tensor } {
  const over = (prefix: AttentionPrefix): Tensor =>
    blockRows(block, rows, { causal: true, cuSeqlens: sequences, prefix }, { pick: read.pick });
  if (!read.head) return { rows: over(keysAndValues(block, head)) };
  const { skip, out: normed } = block.norm1.fork(head);
  const parts = allParts(block, normed);
  const [, k, v] = unbind(parts, -3) as [Tensor, Tensor, Tensor];
  const own = attentionQkv(reshape(parts, [1, ...parts.shape]), { causal: true });
  return { head: finish(block, skip, own), rows: over({ k, v }) };
}

/** Keys and values [n, heads, depth] of rows [n, width]. */
function keysAndValues(block: TransformerBlock, rows: Tensor): AttentionPrefix {
  const [k, v] = unbind(someParts(block, block.norm1.forward(rows), 1, 2), -3) as [Tensor, Tensor];
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

/** The rest of a block, behind its attention: `attended` has the elements of the residual x. */
function finish(block: TransformerBlock, x: Tensor, attended: Tensor): Tensor {
  return block.transform(block.attention.out.forward(reshape(attended, x.shape), { residual: x }));
}
