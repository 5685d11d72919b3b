/** What both halves of a block are made of: its products with adapters, the projection with its residual, the feed-forward part. */
import { checkpoint, feedForward, type RowsOf, type TransformerBlock } from '@mudpt/autograd';
import {
  type Activation,
  type AttentionPrefix,
  type FloatDType,
  gelu,
  geluTanh,
  narrow,
  quickGelu,
  relu,
  reshape,
  silu,
  type Tensor,
  unbind,
} from '@mudpt/tensor';
import { adaptedParts, adaptedProduct, type BlockAdapter } from './adapters.ts';
import { EvaBlock } from './eva-block.ts';

/** x with attention added, where the second half of a block begins, and how it gets x after the first norm. */
export type Middle = { readonly middle: Tensor; readonly rows: () => Tensor; readonly rowsOf: RowsOf | undefined };

/** Keys and values [n, heads, depth] of tokens [n, width]. */
export function keysAndValues(block: TransformerBlock, tokens: Tensor, adapter: BlockAdapter | undefined): AttentionPrefix {
  const normed = block.norm1.forward(tokens, block.activationDType);
  const [k, v] = unbind(someParts(block, normed, ['k', 'v'], adapter, 'shared'), -3) as [Tensor, Tensor];
  return { k, v };
}

/** Rows of the fused projection. */
const PARTS = ['q', 'k', 'v'] as const;

/** Queries, keys and values [..., 3, heads, depth] of normed x [..., width]. */
export function allParts(block: TransformerBlock, normed: Tensor, adapter: BlockAdapter | undefined, rowsOf?: RowsOf): Tensor {
  const parts = adaptedParts(block.attention.qkv, normed, adapter, PARTS, { dtype: block.activationDType, rowsOf });
  return byHeads(block, parts, PARTS.length);
}

/** Consecutive `names` of queries, keys and values, [..., count, heads, depth]: some rows of the fused projection. */
export function someParts(
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
export function project(
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
export function finish(block: TransformerBlock, { middle, rows, rowsOf }: Middle, adapter: BlockAdapter | undefined): Tensor {
  if (!adapter?.parallel && !adapter?.lowRank?.up && !adapter?.lowRank?.down) return secondHalf(block, middle);
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

/** The second half of a block without adapters. @param options.isTwice whether the backward computes it a second time. Default false */
export function secondHalf(block: TransformerBlock, middle: Tensor, { isTwice = false } = {}): Tensor {
  const run = (input: Tensor): Tensor => block.transform(input);
  return (isTwice ? checkpoint(run) : run)(middle);
}
