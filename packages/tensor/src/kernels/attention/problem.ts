/** Attention problems: checked arguments in one form for dense and packed inputs. */
import type { Device } from '../../device.ts';
import { expectDType } from '../../dtype.ts';
import { DTypeError, LimitError, ShapeError } from '../../errors.ts';
import { sameShape, showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import type { PackedSequences } from './sequences.ts';

/** Keys and values [P, H, D] (any strides) that every query of every sequence attends to before the keys of its sequence. */
export type AttentionPrefix = { readonly k: Tensor; readonly v: Tensor };

/** Mask and scale of attention scores. */
export type AttentionOptions = {
  /** Query i attends to keys up to i of its sequence (and the whole prefix). Needs as many keys as queries. */
  readonly causal?: boolean;
  /** Multiplies the scores; default 1 / sqrt(D). */
  readonly scale?: number;
  /** Packed inputs [N, H, D]: where their sequences lie, as made by `packedSequences`, or cumulative lengths known to the host. */
  readonly cuSeqlens?: PackedSequences | readonly number[];
  /** Keys and values in front of those of every sequence. */
  readonly prefix?: AttentionPrefix;
};

/** A checked call. Packed inputs count as one batch of `queries` = `keys` = N rows. */
export type AttentionProblem = {
  readonly op: string;
  readonly device: Device;
  readonly dtype: 'f32' | 'f16';
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  readonly depth: number;
  readonly causal: boolean;
  readonly scale: number;
  readonly sequences: PackedSequences | undefined;
  readonly prefix: AttentionPrefix | undefined;
  readonly prefixLength: number;
};

/** Largest head dimension of the fused kernels: their accumulators live in registers, the tile variant's rows in 16 KiB. */
export const MAX_DEPTH = 128;

/** Checks shapes and dtypes. @throws ShapeError, DTypeError or LimitError that name the argument */
export function problemOf(
  op: string,
  tensors: { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor },
  options: AttentionOptions,
  sequences: PackedSequences | undefined,
): AttentionProblem {
  const { q, k, v } = tensors;
  const { causal = false, prefix } = options;
  const rank = sequences ? 3 : 4;
  const layout = sequences ? '[N, H, D]' : '[B, T, H, D]';
  for (const [name, x] of Object.entries({ q, k, v, ...(prefix && { 'prefix.k': prefix.k, 'prefix.v': prefix.v }) })) {
    x.expectLive(op);
    expectDType(op, name, x.dtype, ['f32', 'f16']);
    if (x.dtype !== q.dtype)
      throw new DTypeError(op, `${name} has dtype ${x.dtype} but q has ${q.dtype}`, 'cast them to one dtype');
    if (x.device !== q.device) throw new LimitError(op, `${name} and q live on different devices`, 'create them on one device');
  }
  for (const [name, x] of Object.entries({ q, k, v })) {
    if (x.rank !== rank) {
      throw new ShapeError(
        op,
        `${name} has shape ${showShape(x.shape)}; ${sequences ? 'packed' : 'dense'} inputs are ${layout}`,
        sequences
          ? 'drop cuSeqlens for dense batches'
          : 'split heads into an axis of their own, or give cuSeqlens for packed rows',
      );
    }
  }
  if (!sameShape(k.shape, v.shape))
    throw new ShapeError(op, `k ${showShape(k.shape)} and v ${showShape(v.shape)} differ`, 'give both the same shape');
  const [batch, queries, heads, depth] = extentOf(q);
  const [keyBatch, keys, keyHeads, keyDepth] = extentOf(k);
  if (batch !== keyBatch || heads !== keyHeads || depth !== keyDepth || (sequences && queries !== keys)) {
    throw new ShapeError(
      op,
      `q ${showShape(q.shape)} and k ${showShape(k.shape)} differ in more than the number of rows`,
      sequences ? 'packed queries and keys share rows, heads and head dimension' : 'batch, heads and head dimension must agree',
    );
  }
  if (sequences && sequences.total !== queries) {
    throw new ShapeError(
      op,
      `cuSeqlens ends at ${sequences.total} but q has ${queries} rows`,
      'pack exactly the rows that cuSeqlens describes',
    );
  }
  if (causal && queries !== keys) {
    throw new ShapeError(
      op,
      `causal attention of ${queries} queries over ${keys} keys has no agreed alignment`,
      'give as many keys as queries; keys that all queries see go into prefix',
    );
  }
  if (depth < 1 || depth > MAX_DEPTH)
    throw new LimitError(op, `head dimension ${depth} is outside 1..${MAX_DEPTH}`, 'use more heads of a smaller dimension');
  const prefixLength = prefix ? prefixRows(op, prefix, heads, depth) : 0;
  return {
    op,
    device: q.device,
    dtype: q.dtype === 'f16' ? 'f16' : 'f32',
    batch,
    queries,
    keys,
    heads,
    depth,
    causal,
    scale: options.scale ?? 1 / Math.sqrt(depth),
    sequences,
    prefix,
    prefixLength,
  };
}

/** Batches, rows, heads and head dimension of [B, T, H, D], or of packed [N, H, D]: one batch. */
function extentOf({ rank, shape }: Tensor): readonly [batch: number, rows: number, heads: number, depth: number] {
  return [rank === 3 ? 1 : nth(shape, 0), nth(shape, rank - 3), nth(shape, rank - 2), nth(shape, rank - 1)];
}

function prefixRows(op: string, prefix: AttentionPrefix, heads: number, depth: number): number {
  const { k, v } = prefix;
  if (k.rank !== 3 || !sameShape(k.shape, v.shape) || k.shape[1] !== heads || k.shape[2] !== depth) {
    throw new ShapeError(
      op,
      `prefix.k ${showShape(k.shape)} and prefix.v ${showShape(v.shape)} do not fit ${heads} heads of dimension ${depth}`,
      `give both as [P, ${heads}, ${depth}]`,
    );
  }
  return nth(k.shape, 0);
}

/** Pairs of query and key a head computes. */
export function pairsOf(problem: AttentionProblem): number {
  const { batch, queries, keys, causal, sequences, prefixLength } = problem;
  const inSequences = sequences?.pairs(causal) ?? batch * (causal ? (queries * (queries + 1)) / 2 : queries * keys);
  return inSequences + batch * queries * prefixLength;
}

/** Throws unless `x` has the shape of `like`. */
export function expectLike(op: string, name: string, x: Tensor, shape: readonly number[]): void {
  x.expectLive(op);
  if (!sameShape(x.shape, shape))
    throw new ShapeError(op, `${name} has shape ${showShape(x.shape)}`, `give it the shape ${showShape(shape)}`);
}
