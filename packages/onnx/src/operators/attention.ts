/** Attention and rotary positions. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import type { Call } from '../node/call.ts';
import type { Operator, Operators } from '../node/operator.ts';

/** [B, T, H D] as [B, H, T, D]. */
function headsOf(call: Call, index: number, attribute: string): Tensor {
  const x = call.x(index);
  if (x.rank === 4) return x;
  const [batch = 1, tokens = 1, width = 1] = x.shape;
  const heads = call.int(attribute);
  return engine.permute(engine.reshape(x, [batch, tokens, heads, width / heads]), [0, 2, 1, 3]);
}

/** Keys and values of fewer heads, each repeated for its group of queries. */
const repeated = (x: Tensor, heads: number): Tensor =>
  x.shape[1] === heads ? x : engine.repeatInterleave(x, heads / (x.shape[1] ?? 1), 1);

/** What is added to the scores: the mask, and minus infinity where a query must not look. */
function maskOf(call: Call, queries: number, keys: number, past: number): Tensor | undefined {
  const given = call.maybe(3);
  const device = call.device;
  let mask: Tensor | undefined;
  if (given) {
    mask = call.type(3) === 'bool' ? engine.where(given, 0, Number.NEGATIVE_INFINITY) : engine.cast(given, 'f32');
    // A mask may be shorter than the keys: the rest is not looked at.
    const missing = keys - (mask.shape[mask.rank - 1] ?? keys);
    if (missing > 0)
      mask = engine.pad(
        mask,
        mask.shape.map((_, axis): engine.Padding => (axis === (mask as Tensor).rank - 1 ? [0, missing] : [0, 0])),
        Number.NEGATIVE_INFINITY,
      );
  }
  const forbid = (hidden: Tensor): void => {
    const barred = engine.where(hidden, Number.NEGATIVE_INFINITY, 0);
    mask = mask ? engine.add(mask, barred) : barred;
  };
  const column = (): Tensor => engine.arange(keys, { dtype: 'i32', device });
  const lengths = call.maybe(6);
  // Where the queries stand among the keys: after those of the past, or at the end of those that are no padding.
  const offset = lengths ? engine.sub(engine.reshape(lengths, [lengths.size, 1, 1, 1]), queries) : past;
  const row = (): Tensor => engine.add(engine.reshape(engine.arange(queries, { dtype: 'i32', device }), [queries, 1]), offset);
  if (call.int('is_causal', 0) === 1) forbid(engine.gt(column(), row()));
  const [left, right] = [call.int('left_window_size', -1), call.int('right_window_size', -1)];
  if (left >= 0) forbid(engine.lt(column(), engine.sub(row(), left)));
  if (right >= 0) forbid(engine.gt(column(), engine.add(row(), right)));
  if (lengths) forbid(engine.ge(column(), engine.reshape(lengths, [lengths.size, 1, 1, 1])));
  return mask;
}

/** softmax(scale Q K^T + mask) V of heads; past keys and values come before the new ones. */
const attention: Operator = {
  by: 'op',
  run: (call) => {
    const q = headsOf(call, 0, 'q_num_heads');
    const [newKeys, newValues] = [headsOf(call, 1, 'kv_num_heads'), headsOf(call, 2, 'kv_num_heads')];
    const [pastKeys, pastValues] = [call.maybe(4), call.maybe(5)];
    const past = pastKeys?.shape[2] ?? 0;
    const keys = pastKeys ? engine.cat([pastKeys, newKeys], 2) : newKeys;
    const values = pastValues ? engine.cat([pastValues, newValues], 2) : newValues;
    const [batch = 1, heads = 1, queries = 1, depth = 1] = q.shape;
    const scale = call.float('scale', 1 / Math.sqrt(depth));
    const cap = call.float('softcap', 0);
    const [k, v] = [repeated(keys, heads), repeated(values, heads)];
    const total = k.shape[2] ?? 1;
    const isCausal = call.int('is_causal', 0) === 1;
    const hasWindow = call.int('left_window_size', -1) >= 0 || call.int('right_window_size', -1) >= 0;
    const isPlain = !hasWindow && !call.has(3) && !call.has(6) && cap === 0 && !call.wants(3) && depth <= 128 && v.shape[3] === depth;
    let out: Tensor;
    let scores: Tensor | undefined;
    if (isPlain && (!isCausal || (queries === total && past === 0))) {
      const [first, second, third] = [q, k, v].map((x) => engine.permute(x, [0, 2, 1, 3])) as [Tensor, Tensor, Tensor];
      out = engine.permute(engine.attention(first, second, third, { causal: isCausal, scale }), [0, 2, 1, 3]);
    } else {
      const mode = call.int('qk_matmul_output_mode', 0);
      const products = engine.matmul(q, k, { transposeB: true, alpha: scale });
      const capped = cap === 0 ? products : engine.mul(engine.tanh(engine.div(products, cap)), cap);
      const mask = maskOf(call, queries, total, past);
      const masked = mask ? engine.cast(engine.add(capped, mask), capped.dtype) : capped;
      // A query that may look at nothing gives 0.
      const best = engine.max(masked, -1, { keepdim: true });
      const weights = engine.where(engine.eq(best, Number.NEGATIVE_INFINITY), 0, engine.softmax(masked, -1));
      out = engine.matmul(weights, v);
      scores = [products, capped, masked, weights][mode];
    }
    const isFlat = call.x(0).rank === 3;
    const joined = isFlat ? engine.reshape(engine.permute(out, [0, 2, 1, 3]), [batch, queries, heads * (v.shape[3] ?? 1)]) : out;
    return [joined, call.wants(1) ? keys : undefined, call.wants(2) ? values : undefined, call.wants(3) ? scores : undefined];
  },
};

/** Pairs of features turned by angles that grow with the position. */
const rotary: Operator = {
  by: 'composition',
  run: (call) => {
    const given = call.x(0);
    const isFlat = given.rank === 3;
    const [batch = 1, , tokens = 1] = isFlat ? [given.shape[0], 0, given.shape[1]] : given.shape;
    const heads = isFlat ? call.int('num_heads') : (given.shape[1] ?? 1);
    const depth = isFlat ? (given.shape[2] ?? 1) / heads : (given.shape[3] ?? 1);
    const x = isFlat
      ? engine.reshape(given, [batch, tokens, heads, depth])
      : engine.permute(given, [0, 2, 1, 3]);
    const turned = call.int('rotary_embedding_dim', 0) || depth;
    const half = turned / 2;
    const angles = (index: number): Tensor => {
      const table = call.x(index);
      const rows = call.has(3) ? engine.embedding(table, call.x(3)) : table;
      return engine.unsqueeze(rows, 2);
    };
    const [cos, sin] = [angles(1), angles(2)];
    const isInterleaved = call.int('interleaved', 0) === 1;
    const part = engine.narrow(x, 3, 0, turned);
    const pairs = engine.reshape(part, [batch, tokens, heads, ...(isInterleaved ? [half, 2] : [2, half])]);
    const axis = isInterleaved ? 4 : 3;
    const [a, b] = [engine.select(pairs, axis, 0), engine.select(pairs, axis, 1)];
    const rotated = engine.stack([engine.sub(engine.mul(cos, a), engine.mul(sin, b)), engine.add(engine.mul(sin, a), engine.mul(cos, b))], axis);
    const flat = engine.reshape(rotated, [batch, tokens, heads, turned]);
    const out = turned === depth ? flat : engine.cat([flat, engine.narrow(x, 3, turned, depth - turned)], 3);
    return isFlat ? engine.reshape(out, given.shape) : engine.permute(out, [0, 2, 1, 3]);
  },
};

export const attentionOperators: Operators = { Attention: attention, RotaryEmbedding: rotary };
