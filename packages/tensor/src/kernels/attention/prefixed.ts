/**
 * Fused attention of sequences whose shared prefix lies before them in one projection qkv [P + N, 3, H, D]. All gradients go into one tensor of that
 * shape, so that one product takes both to the input.
 */
import { empty, view } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { addChunks, launchStats, prefixChunk } from './fused.ts';
import {
  launchForward,
  launchKeyGradient,
  launchPrefixGradient,
  launchQueryGradient,
  partialsTarget,
  type PrefixTarget,
} from './launch.ts';
import type { AttentionProblem } from './problem.ts';
import { geometryOf, type Pair } from './quads.ts';

/** Queries, keys and values, as views of a projection. */
export type Parts = { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor };

/** A checked call; a prefix has as many rows as its keys. */
export type PrefixedProblem = {
  /** The sequences, to which the prefix's keys and values are given. */
  readonly sequences: AttentionProblem;
  /** The prefix attending to itself, causal; undefined: its queries are not asked. */
  readonly prefix: AttentionProblem | undefined;
};

/** Rows of x [rows, ...] from `first` on, in the leading shape `lead`. */
export function rowsFrom(x: Tensor, first: number, lead: readonly number[]): Tensor {
  const row = nth(x.strides, 0);
  const strides = lead.map((_, axis) => lead.slice(axis + 1).reduce((product, size) => product * size, row));
  return view(x, {
    shape: [...lead, ...x.shape.slice(1)],
    strides: [...strides, ...x.strides.slice(1)],
    offset: x.offset + first * row,
  });
}

/** The parts of rows of a projection; the caller disposes them. */
export function partsFrom(qkv: Tensor, first: number, lead: readonly number[]): Parts {
  const [row = 0, part = 0, ...inner] = qkv.strides;
  const of = (index: number): Tensor => {
    const { shape, offset } = qkv;
    using one = view(qkv, {
      shape: [nth(shape, 0), ...shape.slice(2)],
      strides: [row, ...inner],
      offset: offset + index * part,
    });
    return rowsFrom(one, first, lead);
  };
  return { q: of(0), k: of(1), v: of(2) };
}

export function disposeParts({ q, k, v }: Parts): void {
  for (const x of [q, k, v]) x.dispose();
}

/** [B, T], or [N] of packed rows. */
function leadOf({ sequences, batch, queries }: AttentionProblem): readonly number[] {
  return sequences ? [queries] : [batch, queries];
}

const pairOfViews = ({ k, v }: Pick<Parts, 'k' | 'v'>): Pair => ({ first: k, second: v, storage: k.storage });

/** The results of the queries that are asked: out [rows, H, D] and lse f32 [rows, H], those of the prefix first. */
export function prefixedForward({ sequences, prefix }: PrefixedProblem, qkv: Tensor): { readonly out: Tensor; readonly lse: Tensor } {
  const { device, dtype, heads, batch, queries, prefixLength } = sequences;
  const start = prefix ? prefixLength : 0;
  const out = empty(device, [start + batch * queries, heads, nth(qkv.shape, 3)], dtype);
  const lse = empty(device, [start + batch * queries, heads], 'f32');
  const shared = partsFrom(qkv, 0, [prefixLength]);
  const run = (problem: AttentionProblem, row: number, first: number, pair: Pair | undefined): void => {
    const parts = partsFrom(qkv, row, leadOf(problem));
    using result = rowsFrom(out, first, leadOf(problem));
    using sums = rowsFrom(lse, first, leadOf(problem));
    launchForward(problem, { ...parts, prefix: pair }, result, sums);
    disposeParts(parts);
  };
  run(sequences, prefixLength, start, pairOfViews(shared));
  if (prefix) run(prefix, 0, 0, undefined);
  disposeParts(shared);
  return { out, lse };
}

export type PrefixedSaved = { readonly qkv: Tensor; readonly out: Tensor; readonly lse: Tensor; readonly grad: Tensor };

/** The gradient of qkv, in its shape. @param saved.grad of `out`, contiguous */
export function prefixedBackward(whole: PrefixedProblem, { qkv, out, lse, grad }: PrefixedSaved): Tensor {
  const { sequences, prefix } = whole;
  const { device, prefixLength } = sequences;
  const start = prefix ? prefixLength : 0;
  const rows = nth(out.shape, 0);
  const result = empty(device, qkv.shape, sequences.dtype);
  using stats = empty(device, [rows, sequences.heads, 2], 'f32');
  const ofPrefix = partsFrom(result, 0, [prefixLength]);
  launchStats({ ...sequences, batch: 1, queries: rows }, { out, grad, lse }, stats, prefix ? undefined : ofPrefix.q);
  const shared = partsFrom(qkv, 0, [prefixLength]);
  const run = (problem: AttentionProblem, row: number, first: number, pair: Pair | undefined): void => {
    const lead = leadOf(problem);
    const [parts, gradients] = [partsFrom(qkv, row, lead), partsFrom(result, row, lead)];
    using cotangent = rowsFrom(grad, first, lead);
    using ofRows = rowsFrom(stats, first, lead);
    const inputs = { ...parts, grad: cotangent, stats: ofRows, prefix: pair };
    launchQueryGradient(problem, inputs, gradients.q);
    // The prefix's keys are those of all queries, below.
    if (problem === sequences) launchKeyGradient(problem, inputs, pairOfViews(gradients));
    disposeParts(parts);
    disposeParts(gradients);
  };
  run(sequences, prefixLength, start, pairOfViews(shared));
  if (prefix) run(prefix, 0, 0, undefined);
  prefixKeyGradients(whole, { qkv, grad, stats }, pairOfViews(shared), pairOfViews(ofPrefix));
  disposeParts(shared);
  disposeParts(ofPrefix);
  return result;
}

/** Gradients of the prefix's keys and values: in one pass over all queries where that is one chunk, else added up from chunks. */
function prefixKeyGradients(
  { sequences, prefix }: PrefixedProblem,
  { qkv, grad, stats }: { readonly qkv: Tensor; readonly grad: Tensor; readonly stats: Tensor },
  shared: Pair,
  result: Pair,
): void {
  const { device, dtype, heads, batch, queries, prefixLength } = sequences;
  const chunk = prefixChunk(device);
  const start = prefix ? prefixLength : 0;
  const launch = (first: number, count: number, target: PrefixTarget, isCausal: boolean, length: number): void => {
    const parts = partsFrom(qkv, first + prefixLength - start, [count]);
    using cotangent = rowsFrom(grad, first, [count]);
    using ofRows = rowsFrom(stats, first, [count]);
    const asked = { q: parts.q, grad: cotangent, stats: ofRows };
    launchPrefixGradient(sequences, asked, shared, target, { chunk: length, isCausal });
    disposeParts(parts);
  };
  const count = batch * queries;
  if (dtype === 'f32' && start + count <= chunk) {
    const { first, second, storage } = result;
    const target = { storage, dk: (slice: number) => geometryOf(first, slice), dv: (slice: number) => geometryOf(second, slice) };
    // The prefix's queries come first: what is causal for them leaves no key from those that follow.
    launch(0, start + count, target, prefix !== undefined, start + count);
    return;
  }
  const chunks = Math.ceil(count / chunk);
  const ofPrefix = prefix ? 1 : 0;
  using partials = empty(device, [ofPrefix + chunks, 2, prefixLength, heads, nth(qkv.shape, 3)], 'f32');
  if (prefix) launch(0, prefixLength, partialsTarget(partials), true, prefixLength);
  launch(start, count, partialsTarget(partials, ofPrefix), false, chunk);
  addChunks(partials, result, dtype);
}
