/** The problems that several engines solve, their work, and what comes out of them in f64. */
import { attention, attentionBackward } from '@mudpt/testing/reference/attention';
import { map, ref, type Ref } from '@mudpt/testing/reference/array';
import { places, values } from './inputs.ts';

export type Layout = 'NT' | 'NN' | 'TN';
export type MatmulJob = {
  readonly kind: 'matmul';
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly layout: Layout;
};
export type AttentionJob = {
  readonly kind: 'attention';
  readonly batch: number;
  readonly heads: number;
  readonly tokens: number;
  readonly depth: number;
  readonly causal: boolean;
  /** Forward and the gradients of sum(out²) by q, k and v. */
  readonly gradient: boolean;
};
export type LayerNormJob = { readonly kind: 'layernorm'; readonly rows: number; readonly width: number };
export type Job = MatmulJob | AttentionJob | LayerNormJob;

/** What a job's result must be at some places; for a gradient the result is that of q. */
export type Check = { readonly at: readonly number[]; readonly expected: readonly number[] };

export function nameOf(job: Job): string {
  if (job.kind === 'matmul') return `matmul ${job.layout} ${job.m}x${job.n}x${job.k}`;
  if (job.kind === 'layernorm') return `layer norm ${job.rows}x${job.width}`;
  const what = job.gradient ? 'forward + gradient' : 'forward';
  return `attention ${what} B${job.batch} H${job.heads} T${job.tokens} D${job.depth}${job.causal ? ' causal' : ''}`;
}

/** Operations of one run, a multiply-add counted as two; causal attention counts the pairs that are not masked. */
export function flopsOf(job: Job): number {
  if (job.kind === 'matmul') return 2 * job.m * job.n * job.k;
  if (job.kind === 'layernorm') return 0;
  const pairs = job.causal ? (job.tokens * (job.tokens + 1)) / 2 : job.tokens ** 2;
  // Two products forward; five backward (scores again, dV, dP, dQ, dK).
  return job.batch * job.heads * pairs * job.depth * 2 * (job.gradient ? 7 : 2);
}

export function checkOf(job: Job): Check {
  if (job.kind === 'matmul') return checkMatmul(job);
  if (job.kind === 'layernorm') return checkLayerNorm(job);
  return checkAttention(job);
}

function checkMatmul({ m, n, k, layout }: MatmulJob): Check {
  const [a, b] = [values(m * k, 1), values(n * k, 2)];
  const at = places(m * n);
  const expected = at.map((place) => {
    const [row, column] = [Math.floor(place / n), place % n];
    let sum = 0;
    for (let i = 0; i < k; i += 1) {
      const x = a[layout === 'TN' ? i * m + row : row * k + i]!;
      sum += x * b[layout === 'NT' ? column * k + i : i * n + column]!;
    }
    return sum;
  });
  return { at, expected };
}

function checkLayerNorm({ rows, width }: LayerNormJob): Check {
  const x = values(rows * width, 1);
  const at = places(rows * width);
  const expected = at.map((place) => {
    const row = Float64Array.from(x.subarray(place - (place % width), place - (place % width) + width));
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    return (row[place % width]! - mean) / Math.sqrt(variance + 1e-5);
  });
  return { at, expected };
}

/** Some places of the first image and head, which do not depend on the others, each from its own query row: work grows with the tokens, not their pairs. */
function checkAttention({ batch, heads, tokens, depth, causal, gradient }: AttentionJob): Check {
  const inputs = [1, 2, 3].map((seed) => values(batch * tokens * heads * depth, seed));
  const rows = (index: number, first: number, end: number): Ref => {
    const row = (_: unknown, i: number): number[] => {
      const start = (first + i) * heads * depth;
      return [...(inputs[index]?.subarray(start, start + depth) ?? [])];
    };
    return ref([1, end - first, 1, depth], Array.from({ length: end - first }, row).flat());
  };
  const local = places(tokens * depth);
  return {
    at: local.map((place) => Math.floor(place / depth) * heads * depth + (place % depth)),
    expected: local.map((place) => {
      const query = Math.floor(place / depth);
      const seen = causal ? query + 1 : tokens;
      const [q, k, v] = [rows(0, query, query + 1), rows(1, 0, seen), rows(2, 0, seen)] as const;
      const { out } = attention(q, k, v);
      const result = gradient
        ? attentionBackward(
            q,
            k,
            v,
            map(out, (value) => 2 * value),
          ).q
        : out;
      return result.data[place % depth] ?? Number.NaN;
    }),
  };
}
