/**
 * Scaled dot-product attention with its gradients: dense, ragged (packed sequences), and with a key/value prefix shared by all sequences.
 *
 * One definition serves all: packed rows [N, H, D], and for every query row the list of key rows it sees. Prefix rows come first and
 * every query sees all of them; the causal rule (key position <= query position) holds among a sequence's own rows only.
 */
import { type Ref, flatten, permute, reshape, zeros } from './array.ts';

export type AttentionOptions = {
  causal?: boolean;
  /** Multiplies the scores; default 1 / sqrt(D). */
  scale?: number;
  /** Keys and values [P, H, D] before those of every sequence. */
  prefixK?: Ref;
  prefixV?: Ref;
};

export type RaggedOptions = AttentionOptions & {
  /** Bounds of the sequences: sequence s holds rows cumulative[s] up to cumulative[s + 1]. */
  cumulative: readonly number[];
  /** Bounds of the key rows where they differ from the queries'; not with `causal`. */
  cumulativeK?: readonly number[];
};

export type AttentionGradients = { q: Ref; k: Ref; v: Ref; prefixK?: Ref; prefixV?: Ref };

/** A key or value row that a query sees: of the prefix or of the packed rows. */
type Source = { prefix: boolean; row: number };

/** The rows each query sees, in the order prefix, own. */
function visibleRows(q: Ref, options: RaggedOptions): Source[][] {
  const { cumulative, cumulativeK = cumulative, causal = false, prefixK } = options;
  if (causal && String(cumulativeK) !== String(cumulative)) throw new Error('causal attention needs as many keys as queries');
  if (cumulative[0] !== 0 || cumulative.at(-1) !== q.shape[0])
    throw new Error(`bounds [${cumulative}] do not cover ${q.shape[0]} rows`);
  const prefix = Array.from({ length: prefixK?.shape[0] ?? 0 }, (_, row) => ({ prefix: true, row }));
  const seen: Source[][] = [];
  for (let sequence = 0; sequence + 1 < cumulative.length; sequence++) {
    const keys: Source[] = [];
    for (let row = cumulativeK[sequence]!; row < cumulativeK[sequence + 1]!; row++) keys.push({ prefix: false, row });
    const queries = cumulative[sequence + 1]! - cumulative[sequence]!;
    for (let i = 0; i < queries; i++) seen.push([...prefix, ...(causal ? keys.slice(0, i + 1) : keys)]);
  }
  return seen;
}

/** The D values of one head of one row of [N, H, D]. */
function vector(x: Ref, row: number, head: number): Float64Array {
  const start = flatten([row, head, 0], x.shape);
  return x.data.subarray(start, start + x.shape[2]!);
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, d) => sum + value * b[d]!, 0);

/** target += factor * values, in place. */
function addScaled(target: Float64Array, factor: number, values: Float64Array): void {
  values.forEach((value, d) => {
    target[d]! += factor * value;
  });
}

/** Softmax of the scores and the log of the sum of their exponentials (minus infinity for none). */
function normalize(scores: readonly number[]): { probabilities: number[]; log: number } {
  const highest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
  const shifted = scores.map((score) => Math.exp(score - highest));
  const total = shifted.reduce((a, b) => a + b, 0);
  return { probabilities: shifted.map((value) => value / total), log: highest + Math.log(total) };
}

function scaleOf(q: Ref, options: AttentionOptions): number {
  return options.scale ?? 1 / Math.sqrt(q.shape[2]!);
}

/**
 * Attention of packed rows q, k, v [N, H, D]: out [N, H, D] and lse [H, N], the log of the sum of exponentials of the scaled scores. A
 * query that sees nothing gives zeros and minus infinity.
 */
export function raggedAttention(q: Ref, k: Ref, v: Ref, options: RaggedOptions): { out: Ref; lse: Ref } {
  const [rows, heads] = q.shape as [number, number, number];
  const scale = scaleOf(q, options);
  const out = zeros(q.shape);
  const lse = zeros([heads, rows]);
  visibleRows(q, options).forEach((seen, i) => {
    for (let head = 0; head < heads; head++) {
      const query = vector(q, i, head);
      const scores = seen.map(({ prefix, row }) => scale * dot(query, vector(prefix ? options.prefixK! : k, row, head)));
      const { probabilities, log } = normalize(scores);
      lse.data[head * rows + i] = log;
      seen.forEach(({ prefix, row }, j) => {
        addScaled(vector(out, i, head), probabilities[j]!, vector(prefix ? options.prefixV! : v, row, head));
      });
    }
  });
  return { out, lse };
}

/** Gradients of raggedAttention for a cotangent of `out`; those of the prefix are summed over the sequences. */
export function raggedAttentionBackward(q: Ref, k: Ref, v: Ref, cotangent: Ref, options: RaggedOptions): AttentionGradients {
  const heads = q.shape[1]!;
  const scale = scaleOf(q, options);
  const { out } = raggedAttention(q, k, v, options);
  const gradients = { q: zeros(q.shape), k: zeros(k.shape), v: zeros(v.shape) };
  const prefixK = options.prefixK && zeros(options.prefixK.shape);
  const prefixV = options.prefixV && zeros(options.prefixV.shape);
  visibleRows(q, options).forEach((seen, i) => {
    for (let head = 0; head < heads; head++) {
      const query = vector(q, i, head);
      const upstream = vector(cotangent, i, head);
      const expected = dot(upstream, vector(out, i, head));
      const keyOf = ({ prefix, row }: Source): Float64Array => vector(prefix ? options.prefixK! : k, row, head);
      const { probabilities } = normalize(seen.map((source) => scale * dot(query, keyOf(source))));
      seen.forEach((source, j) => {
        const { prefix, row } = source;
        const key = keyOf(source);
        const value = vector(prefix ? options.prefixV! : v, row, head);
        const p = probabilities[j]!;
        const scoreGradient = p * (dot(upstream, value) - expected) * scale;
        addScaled(vector(gradients.q, i, head), scoreGradient, key);
        addScaled(vector(prefix ? prefixK! : gradients.k, row, head), scoreGradient, query);
        addScaled(vector(prefix ? prefixV! : gradients.v, row, head), p, upstream);
      });
    }
  });
  return { ...gradients, prefixK, prefixV };
}

/** [B, T, H, D] as packed rows. */
const packed = (x: Ref): Ref => reshape(x, [x.shape[0]! * x.shape[1]!, x.shape[2]!, x.shape[3]!]);

/** Bounds of B sequences of T rows each. */
const equalBounds = (x: Ref): number[] => Array.from({ length: x.shape[0]! + 1 }, (_, sequence) => sequence * x.shape[1]!);

/** Attention of q [B, T, H, D], k and v [B, S, H, D]: out [B, T, H, D] and lse [B, H, T]. */
export function attention(q: Ref, k: Ref, v: Ref, options: AttentionOptions = {}): { out: Ref; lse: Ref } {
  const [batch, length, heads] = q.shape as [number, number, number, number];
  const { out, lse } = raggedAttention(packed(q), packed(k), packed(v), denseOptions(q, k, options));
  return { out: reshape(out, q.shape), lse: permute(reshape(lse, [heads, batch, length]), [1, 0, 2]) };
}

/** Gradients of attention for a cotangent of `out`. */
export function attentionBackward(q: Ref, k: Ref, v: Ref, cotangent: Ref, options: AttentionOptions = {}): AttentionGradients {
  const grad = raggedAttentionBackward(packed(q), packed(k), packed(v), packed(cotangent), denseOptions(q, k, options));
  return { ...grad, q: reshape(grad.q, q.shape), k: reshape(grad.k, k.shape), v: reshape(grad.v, v.shape) };
}

function denseOptions(q: Ref, k: Ref, options: AttentionOptions): RaggedOptions {
  return { ...options, cumulative: equalBounds(q), cumulativeK: equalBounds(k) };
}
