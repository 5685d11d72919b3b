/** Adapters: small learnt additions to the frozen blocks of a tower, as low-rank updates of its products or networks beside whole blocks. */
import { dropout, type Linear, nextStream, type RowsOf } from '@mudpt/autograd';
import { add, cast, cat, linear, type LinearOptions, matmul, mul, pad, reshape, ShapeError, type Tensor } from '@mudpt/tensor';
import type { ImageConfig, TextConfig } from '../config.ts';

/** Adds scale * b a to a weight [outputs, inputs]. */
export type LowRankUpdate = {
  /** [rank, inputs] */
  readonly a: Tensor;
  /** [outputs, rank] */
  readonly b: Tensor;
  readonly scale: number;
  /** Probability that an input of the update becomes 0, drawn from the source set by `withSeed`. Default 0. */
  readonly dropout?: number;
};

/** The products of a block: queries, keys, values and the projection of its attention, and the two of its feed-forward part. */
export const BLOCK_PRODUCTS = ['q', 'k', 'v', 'out', 'up', 'down'] as const;
/** Names of the products of a block that take an adapter. */
export type BlockProduct = (typeof BLOCK_PRODUCTS)[number];

/** What is added to one block, for every token of every sequence. */
export type BlockAdapter = {
  readonly lowRank?: Readonly<Partial<Record<BlockProduct, LowRankUpdate>>>;
  /**
   * Adds the updates to the weights before the products, for inference: then a block has the kernels of a plain one. Otherwise the updates have a
   * path of their rank, and a backward forms no gradient of the size of a weight. Default false.
   */
  readonly merge?: boolean;
  /**
   * Computes what is added at the end of the block, from its input after the first norm [..., width]. It must read parameters and constants
   * alone, because a checkpoint calls it again in the backward.
   * @param residual to be added to the result
   */
  readonly parallel?: (normed: Tensor, residual: Tensor) => Tensor;
};

/** @throws ShapeError for more adapters than blocks, or an update that does not fit its product */
export function expectAdapters(
  tower: string,
  { width, hidden, layers, architecture }: Pick<ImageConfig | TextConfig, 'width' | 'hidden' | 'layers' | 'architecture'>,
  adapters: readonly (BlockAdapter | undefined)[],
): void {
  const fail = (problem: string, fix: string): never => {
    throw new ShapeError(tower, problem, fix);
  };
  if (adapters.length > layers) fail(`adapters are given for ${adapters.length} blocks, and there are ${layers}`, 'give fewer');
  for (const [layer, adapter] of adapters.entries())
    for (const product of BLOCK_PRODUCTS) {
      const update = adapter?.lowRank?.[product];
      if (!update) continue;
      if (architecture === 'eva02' && (product === 'up' || product === 'down'))
        fail(`block ${layer} has an update of ${product}, and its feed-forward part is gated`, 'update q, k, v or out');
      const [inputs, outputs] = [product === 'down' ? hidden : width, product === 'up' ? hidden : width];
      const [rank = 0] = update.a.shape;
      if (update.a.shape.join() === [rank, inputs].join() && update.b.shape.join() === [outputs, rank].join()) continue;
      fail(
        `the update of ${product} in block ${layer} has a [${update.a.shape.join(', ')}] and b [${update.b.shape.join(', ')}]`,
        `give a [rank, ${inputs}] and b [${outputs}, rank]`,
      );
    }
}

/** A residual to add to a product, the dtype of the result, and what the first axis of x counts, by which dropout is drawn; default its sequences, or packed rows. */
type ProductOptions = Pick<LinearOptions, 'residual' | 'dtype'> & { readonly rowsOf?: RowsOf | undefined };

/** x W^T + bias + residual of `product`, with its update if it has one. */
export function adaptedProduct(
  product: Linear,
  x: Tensor,
  adapter: BlockAdapter | undefined,
  name: BlockProduct,
  options?: ProductOptions,
): Tensor {
  return adaptedParts(product, x, adapter, [name], options);
}

/**
 * As {@link adaptedProduct} for a fused projection whose rows are those of the products `names`, one after the other: one product with the
 * frozen weight, and two small ones for all updates.
 */
export function adaptedParts(
  { weight, bias }: { readonly weight: Tensor; readonly bias?: Tensor | undefined },
  x: Tensor,
  adapter: BlockAdapter | undefined,
  names: readonly BlockProduct[],
  { rowsOf, ...options }: ProductOptions = {},
): Tensor {
  const updates = names.flatMap((name, place) => {
    const update = adapter?.lowRank?.[name];
    return update ? [{ ...update, place }] : [];
  });
  if (updates.length === 0) return linear(x, weight, bias, options);
  const b = joinedB(updates, names.length);
  if (adapter?.merge) {
    const a = cat(updates.map((update) => mul(update.a, update.scale)));
    return linear(x, add(weight, matmul(b, a)), bias, options);
  }
  const inner = innerOf(x, updates, rowsOf);
  const rows = reshape(inner, [...x.shape.slice(0, -1), -1]);
  const outer = linear(rows, b, undefined, options);
  return linear(x, weight, bias, { ...options, residual: outer });
}

/** scale * x a^T of all updates side by side, [N, ranks], of the N rows of x [..., width]. */
function innerOf(x: Tensor, updates: readonly LowRankUpdate[], rowsOf: RowsOf | undefined): Tensor {
  const flat = (rows: Tensor): Tensor => reshape(rows, [-1, rows.shape.at(-1) as number]);
  const [first, ...others] = updates as readonly [LowRankUpdate, ...LowRankUpdate[]];
  const isAlike = !first.dropout && others.every((other) => !other.dropout && other.scale === first.scale);
  if (isAlike) return matmul(flat(x), cat(updates.map(({ a }) => a)), { transposeB: true, alpha: first.scale });
  return cat(
    updates.map(({ a, scale, dropout: p = 0 }) => {
      // Updates are f32, whatever the dtype of x.
      const kept = p > 0 ? dropout(cast(x, 'f32'), { p, ...nextStream('LowRankUpdate', rowsOf) }) : x;
      return matmul(flat(kept), a, { transposeB: true, alpha: scale });
    }),
    1,
  );
}

/** Every b in the rows of its part and the columns of its rank; zeros elsewhere. */
function joinedB(updates: readonly (LowRankUpdate & { readonly place: number })[], parts: number): Tensor {
  const columns = updates.map(({ b, place }) => {
    const outputs = b.shape[0] as number;
    return parts === 1 ? b : pad(b, [[place * outputs, (parts - 1 - place) * outputs]]);
  });
  return cat(columns, 1);
}
