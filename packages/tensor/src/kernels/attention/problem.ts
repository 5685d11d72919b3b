/** Attention problems: checked arguments in one form for dense and packed inputs. */
import type { Device } from '../../device.ts';
import { expectDType, type FloatDType } from '../../dtype.ts';
import { DTypeError, LimitError, ShapeError } from '../../errors.ts';
import { broadcastStrides, sameShape, showShape } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';
import { lastOf, nth } from '../../values.ts';
import type { DropoutOptions } from '../dropout.ts';
import { boundsOf, pairsInBand } from './bounds.ts';
import type { AttentionOptions, AttentionPrefix } from './options.ts';
import type { PackedSequences } from './sequences.ts';

/** A mask and its strides along batches, heads, queries and keys: 0 where it repeats. */
export type AttentionMask = { readonly tensor: Tensor; readonly strides: readonly [number, number, number, number] };

/** A checked call. Packed inputs count as one batch of `queries` = `keys` = N rows. */
export type AttentionProblem = {
  readonly op: string;
  readonly device: Device;
  /** dtype of queries, keys, values and results. */
  readonly dtype: FloatDType;
  /** dtype of the gradient that a backward is given, and of those that it gives: `dtype`, or f32. */
  readonly gradDType: FloatDType;
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  /** Heads of keys and values: a divisor of `heads`. */
  readonly keyHeads: number;
  readonly depth: number;
  readonly valueDepth: number;
  /** Query i attends to keys from i + firstKey up to i + lastKey; undefined: from the first, up to the last. */
  readonly firstKey: number | undefined;
  readonly lastKey: number | undefined;
  readonly mask: AttentionMask | undefined;
  readonly scale: number;
  readonly softCap: number | undefined;
  readonly dropout: DropoutOptions | undefined;
  readonly sequences: PackedSequences | undefined;
  readonly prefix: AttentionPrefix | undefined;
  readonly prefixLength: number;
  /** Whether it needs the general form of the fused kernels: grouped heads, a left bound, queries before every key, or a mask. */
  readonly isGeneral: boolean;
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
  const { prefix, softCap, dropout } = options;
  const layout = sequences ? '[N, H, D]' : '[B, T, H, D]';
  for (const [name, x] of Object.entries({ q, k, v, ...(prefix && { 'prefix.k': prefix.k, 'prefix.v': prefix.v }) }))
    expectOperand(op, name, x, q);
  for (const [name, x] of Object.entries({ q, k, v })) {
    if (x.rank !== (sequences ? 3 : 4)) {
      throw new ShapeError(
        op,
        `${name} has shape ${showShape(x.shape)}; ${sequences ? 'packed' : 'dense'} inputs are ${layout}`,
        sequences
          ? 'drop cuSeqlens for dense batches'
          : 'split heads into an axis of their own, or give cuSeqlens for packed rows',
      );
    }
  }
  if (!sameShape(k.shape.slice(0, -1), v.shape.slice(0, -1)))
    throw new ShapeError(
      op,
      `k ${showShape(k.shape)} and v ${showShape(v.shape)} differ in more than the head dimension`,
      'give both the same rows and heads',
    );
  const [batch, queries, heads, depth] = extentOf(q);
  const [keyBatch, keys, keyHeads, keyDepth] = extentOf(k);
  const valueDepth = lastOf(v.shape);
  if (batch !== keyBatch || !isGrouped(heads, keyHeads) || depth !== keyDepth || (sequences && queries !== keys)) {
    throw new ShapeError(
      op,
      `q ${showShape(q.shape)} and k ${showShape(k.shape)} do not fit`,
      `${sequences ? 'packed queries and keys share rows and' : 'batch and'} head dimension must agree, and the heads of k divide those of q`,
    );
  }
  if (sequences && sequences.total !== queries) {
    throw new ShapeError(
      op,
      `cuSeqlens ends at ${sequences.total} but q has ${queries} rows`,
      'pack exactly the rows that cuSeqlens describes',
    );
  }
  for (const size of [depth, valueDepth])
    if (size < 1 || size > MAX_DEPTH)
      throw new LimitError(op, `head dimension ${size} is outside 1..${MAX_DEPTH}`, 'use more heads of a smaller dimension');
  if (softCap !== undefined && !(softCap > 0 && softCap < Number.POSITIVE_INFINITY))
    throw new LimitError(op, `softCap is ${softCap}`, 'give a positive number, or leave it out');
  const prefixLength = prefix ? prefixRows(op, prefix, keyHeads, depth, valueDepth) : 0;
  const { firstKey, lastKey } = boundsOf(op, options, queries, keys);
  const mask = options.mask && maskOf(op, options.mask, q, sequences !== undefined, [batch, heads, queries, keys]);
  const dtype = q.dtype === 'f16' ? 'f16' : 'f32';
  const isGeneral = heads !== keyHeads || firstKey !== undefined || (lastKey !== undefined && lastKey < 0) || mask !== undefined;
  return {
    op,
    device: q.device,
    dtype,
    gradDType: dtype,
    batch,
    queries,
    keys,
    heads,
    keyHeads,
    depth,
    valueDepth,
    firstKey,
    lastKey,
    mask,
    scale: options.scale ?? 1 / Math.sqrt(depth),
    softCap,
    dropout,
    sequences,
    prefix,
    prefixLength,
    isGeneral,
  };
}

function expectOperand(op: string, name: string, x: Tensor, q: Tensor): void {
  x.expectLive(op);
  expectDType(op, name, x.dtype, ['f32', 'f16']);
  if (x.dtype !== q.dtype)
    throw new DTypeError(op, `${name} has dtype ${x.dtype} but q has ${q.dtype}`, 'cast them to one dtype');
  if (x.device !== q.device) throw new LimitError(op, `${name} and q live on different devices`, 'create them on one device');
}

const isGrouped = (heads: number, keyHeads: number): boolean => heads === keyHeads || (keyHeads > 0 && heads % keyHeads === 0);

/** Batches, rows, heads and head dimension of [B, T, H, D], or of packed [N, H, D]: one batch. */
function extentOf({ rank, shape }: Tensor): readonly [batch: number, rows: number, heads: number, depth: number] {
  return [rank === 3 ? 1 : nth(shape, 0), nth(shape, rank - 3), nth(shape, rank - 2), nth(shape, rank - 1)];
}

function prefixRows(op: string, prefix: AttentionPrefix, heads: number, depth: number, valueDepth: number): number {
  const { k, v } = prefix;
  const rows = k.shape[0] ?? 0;
  if (!sameShape(k.shape, [rows, heads, depth]) || !sameShape(v.shape, [rows, heads, valueDepth])) {
    throw new ShapeError(
      op,
      `prefix.k ${showShape(k.shape)} and prefix.v ${showShape(v.shape)} do not fit ${heads} heads of dimension ${depth}`,
      `give both as [P, ${heads}, ${depth}]`,
    );
  }
  return rows;
}

/** Pairs of query and key a head computes. */
export function pairsOf(problem: AttentionProblem): number {
  const { batch, queries, keys, sequences, prefixLength, firstKey, lastKey } = problem;
  const isCausal = lastKey !== undefined;
  const pairs = sequences?.pairs(isCausal) ?? batch * pairsInBand(queries, keys, firstKey, lastKey);
  return pairs + batch * queries * prefixLength;
}

/** The problem of a backward from `grad`. @throws DTypeError unless it has the dtype of the results, or f32 */
export function withGradient(problem: AttentionProblem, grad: Tensor): AttentionProblem {
  const { op, dtype } = problem;
  if (grad.dtype === 'f32' || grad.dtype === dtype) return { ...problem, gradDType: grad.dtype };
  throw new DTypeError(op, `grad has dtype ${grad.dtype} but q has ${dtype}`, 'cast it');
}

/** Throws unless `x` has the shape of `like`. */
export function expectLike(op: string, name: string, x: Tensor, shape: readonly number[]): void {
  x.expectLive(op);
  if (!sameShape(x.shape, shape))
    throw new ShapeError(op, `${name} has shape ${showShape(x.shape)}`, `give it the shape ${showShape(shape)}`);
}

/** The checked mask of dense inputs. @param extent [B, H, Tq, Tk] */
function maskOf(op: string, mask: Tensor, q: Tensor, isPacked: boolean, extent: readonly number[]): AttentionMask {
  mask.expectLive(op);
  if (isPacked)
    throw new ShapeError(op, 'packed sequences have no mask', 'use causal or window, or attend to each sequence on its own');
  expectDType(op, 'mask', mask.dtype, ['bool', 'f32', 'f16']);
  if (mask.device !== q.device) throw new LimitError(op, 'mask and q live on different devices', 'create them on one device');
  const missing = extent.length - mask.rank;
  if (missing < 0 || mask.shape.some((size, axis) => size !== 1 && size !== extent[missing + axis]))
    throw new ShapeError(
      op,
      `mask ${showShape(mask.shape)} does not broadcast to [B, H, Tq, Tk] = ${showShape(extent)}`,
      'give it those sizes, or 1 where it repeats',
    );
  const [b = 0, h = 0, i = 0, j = 0] = broadcastStrides(mask.shape, mask.strides, extent);
  return { tensor: mask, strides: [b, h, i, j] };
}
