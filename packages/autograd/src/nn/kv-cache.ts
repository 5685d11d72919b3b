/** Keys and values of earlier rows, for decoding token by token. */
import { type AttentionOptions, copyInto, empty, keep, ShapeError, type Tensor } from '@mudpt/tensor/functions';
import { attention, narrow } from '../ops.ts';

/** Keys and values [B, T, G, D] of the rows so far. */
export type KeysAndValues = { readonly k: Tensor; readonly v: Tensor };

const ROWS = 1;

/**
 * Keys and values of attention that grow by rows: {@link append} adds those of new tokens, {@link attend} attends to all so far. Memory is doubled when
 * it is full, so a step copies its own rows only. For inference: a tape refuses it where a gradient is needed, and a captured step would record one
 * length. Dispose it.
 * @example
 * const [attention, cache] = [new MultiHeadAttention(16, 2), new KVCache()];
 * attention.forward(ones([1, 3, 16]), { cache, causal: true });
 * console.log(cache.length); // 3
 * cache.dispose();
 */
export class KVCache {
  private readonly kept: { k?: Tensor; v?: Tensor } = {};
  private rows = 0;

  /** @param capacity rows to have memory for at first; memory doubles when there are more */
  constructor(private readonly capacity = 64) {}

  /** Rows so far: the position of the next one. */
  get length(): number {
    return this.rows;
  }

  /**
   * Adds rows of keys and values [B, T, G, D].
   * @returns views of all so far, which the caller disposes
   * @throws ShapeError when they do not fit those before
   */
  append(k: Tensor, v: Tensor): KeysAndValues {
    const added = k.shape[ROWS] ?? 0;
    if (k.rank !== 4 || v.shape[ROWS] !== added)
      throw new ShapeError(
        'KVCache',
        `k has shape [${k.shape.join(', ')}] and v [${v.shape.join(', ')}]`,
        'give [B, T, G, D] with the same T',
        { shapes: { k: k.shape, v: v.shape } },
      );
    const store = { k: this.room('k', k, added), v: this.room('v', v, added) };
    for (const [name, x] of Object.entries({ k, v })) {
      using place = narrow(store[name as 'k' | 'v'], ROWS, this.rows, added);
      copyInto(place, x);
    }
    this.rows += added;
    return { k: narrow(store.k, ROWS, 0, this.rows), v: narrow(store.v, ROWS, 0, this.rows) };
  }

  /**
   * Adds k and v, and attends to all so far with q [B, T, H, D], whose last row stands beside the last key: causal unless `options` say otherwise. Row for
   * row what attention of all tokens at once gives.
   */
  attend(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
    const all = this.append(k, v);
    using keys = all.k;
    using values = all.v;
    return attention(q, keys, values, { causal: true, queryOffset: 'end', ...options });
  }

  /** Forgets all rows; the memory stays. */
  clear(): void {
    this.rows = 0;
  }

  dispose(): void {
    for (const x of Object.values(this.kept)) x.dispose();
    delete this.kept.k;
    delete this.kept.v;
    this.rows = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Memory that holds `added` more rows. */
  private room(name: 'k' | 'v', like: Tensor, added: number): Tensor {
    const old = this.kept[name];
    const [batch = 0, , ...rest] = like.shape;
    const have = old?.shape[ROWS] ?? 0;
    if (old && (old.dtype !== like.dtype || [old.shape[0], ...old.shape.slice(2)].join() !== [batch, ...rest].join()))
      throw new ShapeError(
        'KVCache',
        `${name} is ${like.dtype} [${like.shape.join(', ')}], the rows so far are ${old.dtype} [${[old.shape[0], this.rows, ...old.shape.slice(2)].join(', ')}]`,
        'use one cache for each layer and batch',
        { shapes: { [name]: like.shape, rows: [old.shape[0] ?? 0, this.rows, ...old.shape.slice(2)] } },
      );
    if (old && this.rows + added <= have) return old;
    const grown = keep(empty(like.device, [batch, Math.max(this.rows + added, 2 * have, this.capacity), ...rest], like.dtype));
    if (old) {
      using before = narrow(old, ROWS, 0, this.rows);
      using place = narrow(grown, ROWS, 0, this.rows);
      copyInto(place, before);
      old.dispose();
    }
    this.kept[name] = grown;
    return grown;
  }
}
