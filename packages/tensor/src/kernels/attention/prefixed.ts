/**
 * Fused attention of sequences whose shared prefix lies before them in one projection qkv [P + N, 3, H, D]. All gradients go into one tensor of that
 * shape, so that one product takes both to the input.
 */
import type { Device } from '../../device.ts';
import { empty, view } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { nth } from '../../values.ts';
import { addChunks, launchStats, prefixChunk } from './fused.ts';
import { launchKeyGradient, launchPrefixGradient, partialsTarget, type PrefixTarget, targetOf } from './launch-keys.ts';
import { formsStats, launchForward, launchQueryGradient } from './launch-queries.ts';
import type { AttentionProblem } from './problem.ts';
import type { Pair } from './quads.ts';
import { canShare, type SharedPrefix } from './shared-prefix.ts';

/** Queries, keys and values, as views of a projection. */
type Parts = { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor };

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
export function prefixedForward(
  { sequences, prefix }: PrefixedProblem,
  qkv: Tensor,
): { readonly out: Tensor; readonly lse: Tensor } {
  const { device, dtype, heads, batch, queries, prefixLength } = sequences;
  const start = prefix ? prefixLength : 0;
  const out = empty(device, [start + batch * queries, heads, nth(qkv.shape, 3)], dtype);
  const lse = empty(device, [start + batch * queries, heads], 'f32');
  const shared = partsFrom(qkv, 0, [prefixLength]);
  const joins = prefix !== undefined && canShare(sequences, 'forward', nth(qkv.shape, 3), prefixLength);
  const run = (problem: AttentionProblem, row: number, first: number, pair: Pair | undefined): void => {
    const parts = partsFrom(qkv, row, leadOf(problem));
    using result = rowsFrom(out, first, leadOf(problem));
    using sums = rowsFrom(lse, first, leadOf(problem));
    launchForward(problem, { ...parts, prefix: pair }, { out: result, lse: sums }, problem === sequences && joins);
    disposeParts(parts);
  };
  run(sequences, prefixLength, start, pairOfViews(shared));
  if (prefix && !joins) run(prefix, 0, 0, undefined);
  disposeParts(shared);
  return { out, lse };
}

export type PrefixedSaved = { readonly qkv: Tensor; readonly out: Tensor; readonly lse: Tensor; readonly grad: Tensor };

/** The gradient of qkv, in its shape and the dtype of `grad`. @param saved.grad of `out`, contiguous */
export function prefixedBackward(problems: PrefixedProblem, { qkv, out, lse, grad }: PrefixedSaved): Tensor {
  const { sequences, prefix } = problems;
  const { device, heads, batch, queries, prefixLength } = sequences;
  const start = prefix ? prefixLength : 0;
  const rows = nth(out.shape, 0);
  const whole = empty(device, qkv.shape, sequences.gradDType);
  using stats = empty(device, [rows, heads, 2], 'f32');
  const [shared, ofPrefix] = [partsFrom(qkv, 0, [prefixLength]), partsFrom(whole, 0, [prefixLength])];
  const asked = partsFrom(qkv, prefixLength - start, [start + batch * queries]);
  const depth = nth(qkv.shape, 3);
  const chunk = prefixChunk(device, rows);
  const joins = rows <= chunk && canShare(sequences, 'dkv', depth, prefixLength);
  const inChunks = !joins && joinsInChunks(device) && canShare(sequences, 'dkv', depth, prefixLength, Math.ceil(rows / chunk));
  using partials = inChunks ? empty(device, [Math.ceil(rows / chunk), 2, prefixLength, heads, depth], 'f32') : undefined;
  const joinsQueries = prefix !== undefined && canShare(sequences, 'dq', depth, prefixLength);
  const unasked = prefix ? undefined : ofPrefix.q;
  const chunks = chunksOf(sequences, rows, start);
  // Where the passes of dq form them, and what is unasked is set to 0 with the keys of the prefix, there is nothing left to do before them.
  const isFormed = [sequences, ...(prefix ? [prefix] : [])].every((problem) => formsStats(problem, depth));
  const toZero = joins || inChunks || !chunks.isDirect ? undefined : unasked;
  if (!isFormed || toZero) launchStats({ ...sequences, batch: 1, queries: rows }, { out, grad, lse }, stats, toZero);
  const ofKeys: SharedPrefix = {
    asked: { q: asked.q, grad, stats },
    keys: pairOfViews(shared),
    dk: ofPrefix.k,
    dv: ofPrefix.v,
    isCausal: prefix !== undefined,
    unasked,
    chunked: partials && { partials, size: chunk },
  };
  const run = (problem: AttentionProblem, row: number, first: number, pair: Pair | undefined): void => {
    const lead = leadOf(problem);
    const [parts, gradients] = [partsFrom(qkv, row, lead), partsFrom(whole, row, lead)];
    using cotangent = rowsFrom(grad, first, lead);
    using ofRows = rowsFrom(stats, first, lead);
    const inputs = { ...parts, grad: cotangent, stats: ofRows, prefix: pair };
    using result = rowsFrom(out, first, lead);
    using sums = rowsFrom(lse, first, lead);
    launchQueryGradient(problem, inputs, { out: result, lse: sums }, gradients.q, problem === sequences && joinsQueries);
    // The keys of the prefix are those of all queries, not of its own alone.
    if (problem === sequences) launchKeyGradient(problem, inputs, pairOfViews(gradients), joins || inChunks ? ofKeys : undefined);
    disposeParts(parts);
    disposeParts(gradients);
  };
  // The pass over keys reads the statistics of all queries.
  if (prefix && !joinsQueries) run(prefix, 0, 0, undefined);
  run(sequences, prefixLength, start, ofKeys.keys);
  if (partials) addChunks(partials, pairOfViews(ofPrefix), sequences.gradDType, unasked);
  else if (!joins) prefixKeyGradients(sequences, ofKeys, start, chunks);
  for (const parts of [shared, ofPrefix, asked]) disposeParts(parts);
  return whole;
}

/**
 * Whether chunks of queries of a prefix may be workgroups of the sequences' dispatch: a pipeline more, which CPU adapters, whose chunks are long, do without.
 * Tests ask for it with `tuner.force('attention.chunks', 'joined')`.
 */
function joinsInChunks({ adapter, tuner }: Device): boolean {
  return adapter.kind === 'gpu' || tuner.forcedVariant('attention.chunks') === 'joined';
}

/** Chunks of the queries of a prefix's keys: those of the prefix itself, which come first, and `chunk` others each. */
type Chunks = {
  readonly count: number;
  readonly chunk: number /** Whether the gradients need no adding up. */;
  readonly isDirect: boolean;
};

function chunksOf({ device, gradDType }: AttentionProblem, rows: number, start: number): Chunks {
  const chunk = prefixChunk(device, rows - start);
  const count = (start > 0 ? 1 : 0) + Math.ceil((rows - start) / chunk);
  return { count, chunk, isDirect: count === 1 && gradDType === 'f32' };
}

/** Gradients of the prefix's keys and values, added up from chunks of queries. @param start queries of the prefix itself, which come first */
function prefixKeyGradients(
  sequences: AttentionProblem,
  { asked, keys, dk, dv, unasked }: SharedPrefix,
  start: number,
  { count: chunks, chunk, isDirect }: Chunks,
): void {
  const { device, gradDType, heads, prefixLength } = sequences;
  const [rows = 0, , depth = 0] = asked.q.shape;
  const launch = (target: PrefixTarget, first: number, count: number, ofChunk: number): void => {
    using q = rowsFrom(asked.q, first, [count]);
    using grad = rowsFrom(asked.grad, first, [count]);
    using stats = rowsFrom(asked.stats, first, [count]);
    launchPrefixGradient(sequences, { q, grad, stats }, keys, target, { chunk: ofChunk, isCausal: first < start });
  };
  if (isDirect) {
    launch(targetOf({ first: dk, second: dv, storage: dk.storage }), 0, rows, rows);
    return;
  }
  using partials = empty(device, [chunks, 2, prefixLength, heads, depth], 'f32');
  // The prefix is one chunk: what is causal for it has its keys beside its queries.
  if (start > 0) launch(partialsTarget(partials), 0, start, start);
  launch(partialsTarget(partials, start > 0 ? 1 : 0), start, rows - start, chunk);
  addChunks(partials, { first: dk, second: dv, storage: dk.storage }, gradDType, unasked);
}
