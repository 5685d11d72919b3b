/** Tensors as the attention kernels read them: the head dimension dense, everything else a whole number of 4-element quads. */
import type { DType } from '../../dtype.ts';
import type { Storage } from '../../engine/storage.ts';
import { sameShape } from '../../shape.ts';
import { alias, empty, view } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { nth, lastOf } from '../../values.ts';
import { contiguousCopy, copyInto } from '../copy.ts';
import { fill } from '../fill.ts';

/** Offset and strides of (batch, row, head), in units of the kernel. */
export type Geometry = readonly [offset: number, batch: number, row: number, head: number];

/** The head dimension padded to a multiple of 4. */
export function paddedDepth(depth: number): number {
  return Math.ceil(depth / 4) * 4;
}

/** Geometry of [B, T, H, D] or (batch stride 0) [N, H, D] in units of `unit` elements. */
export function geometryOf(x: Tensor, unit = 4): Geometry {
  const { rank, strides } = x;
  const scaled = (value: number): number => (value / unit) >>> 0;
  const batch = rank === 3 ? 0 : nth(strides, 0);
  return [scaled(x.offset), scaled(batch), scaled(nth(strides, rank - 3)), scaled(nth(strides, rank - 2))];
}

/** Whether kernels can read and write `x` where it lies. */
export function isQuadAligned(x: Tensor): boolean {
  const depth = lastOf(x.shape);
  return (
    depth % 4 === 0 &&
    x.strides.at(-1) === 1 &&
    x.offset % 4 === 0 &&
    x.strides.slice(0, -1).every((stride, axis) => x.shape[axis] === 1 || stride % 4 === 0)
  );
}

/** `x` in a layout that kernels can read: another handle of it, or a copy with the head dimension padded by zeros. The caller disposes it. */
export function quads(x: Tensor): Tensor {
  if (isQuadAligned(x)) return alias(x);
  const depth = lastOf(x.shape);
  if (depth % 4 === 0) return contiguousCopy(x);
  const padded = fill(x.device, [...x.shape.slice(0, -1), paddedDepth(depth)], x.dtype, 0);
  using target = narrowed(padded, depth);
  copyInto(target, x);
  return padded;
}

/** The first `depth` elements of the last axis, as a view. */
export function narrowed(x: Tensor, depth: number): Tensor {
  return view(x, { shape: [...x.shape.slice(0, -1), depth], strides: x.strides, offset: x.offset });
}

/** Two tensors of one shape in one buffer, which kernels bind once. */
export type Pair = { readonly first: Tensor; readonly second: Tensor; readonly storage: Storage };

/** New memory for a pair of `shape`, its last axis a multiple of 4. */
export function emptyPair(like: Tensor, shape: readonly number[], dtype = like.dtype): Pair {
  using both = empty(like.device, [2, ...shape], dtype);
  return halvesOf(both);
}

/**
 * New memory for the gradients of a pair, which lie as it does: where it is two neighbouring parts of one projection [..., 2, H, D], they are the gradient of
 * that, whole; else one after the other.
 */
export function emptyPairLike({ first, second, storage }: Pair, dtype: DType): Pair {
  const { shape, strides, rank } = first;
  const [heads, depth] = [nth(shape, rank - 2), lastOf(shape)];
  const areDense = strides[rank - 1] === 1 && (heads === 1 || strides[rank - 2] === depth);
  const areNeighbours = storage === second.storage && second.offset - first.offset === heads * depth;
  if (!areDense || !areNeighbours || !sameShape(strides, second.strides) || !sameShape(shape, second.shape))
    return emptyPair(first, shape, dtype);
  const lead = rank - 2;
  using both = empty(first.device, [...shape.slice(0, lead), 2, heads, depth], dtype);
  const apart = both.strides.filter((_, axis) => axis !== lead);
  const part = (index: 0 | 1): Tensor => view(both, { shape, strides: apart, offset: index * nth(both.strides, lead) });
  return { first: part(0), second: part(1), storage: both.storage };
}

/** The two halves of [2, ...]. */
export function halvesOf(both: Tensor): Pair {
  const [shape, strides] = [both.shape.slice(1), both.strides.slice(1)];
  const half = (index: 0 | 1): Tensor => view(both, { shape, strides, offset: index * nth(both.strides, 0) });
  return { first: half(0), second: half(1), storage: both.storage };
}

/** `first` and `second` in one buffer as kernels can read them: where they lie if they share one, else copied. */
export function pairOf(first: Tensor, second: Tensor): Pair {
  if (first.storage === second.storage && isQuadAligned(first) && isQuadAligned(second))
    return { first: alias(first), second: alias(second), storage: first.storage };
  const depth = lastOf(first.shape);
  const shape = [...first.shape.slice(0, -1), paddedDepth(depth)];
  using both =
    depth % 4 === 0 ? empty(first.device, [2, ...shape], first.dtype) : fill(first.device, [2, ...shape], first.dtype, 0);
  const pair = halvesOf(both);
  for (const [target, source] of [
    [pair.first, first],
    [pair.second, second],
  ] as const) {
    using cut = narrowed(target, depth);
    copyInto(cut, source);
  }
  return pair;
}

export function disposePair(pair: Pair): void {
  pair.first.dispose();
  pair.second.dispose();
}
