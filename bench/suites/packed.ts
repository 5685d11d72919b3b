/**
 * Attention as the text tower has it: class names after rows that all of them share. Packed, without padding, the shared rows once; beside it the
 * same classes with 77 rows each, as everybody else computes them.
 */
import { type AttentionOptions, type Device, mul, packedSequences, scope, type Tensor, tensor } from '@mudpt/tensor';
import { attentionBackward, attentionForward, type AttentionGradients, engineOf, measurePlan } from '@mudpt/tensor/internal';
import { map, ref, type Ref } from '@mudpt/testing/reference/array';
import { raggedAttention, raggedAttentionBackward } from '@mudpt/testing/reference/attention';
import { checked, type Effort, errorOf, measure, type Row } from '../harness.ts';
import { places, values } from '../inputs.ts';
import { OURS, PLAIN } from './ours.ts';

const [HEADS, DEPTH] = [8, 64];
const WIDTH = HEADS * DEPTH;
/** Rows of a text, and those that all of them begin with: start of text and four prompts. */
const [CONTEXT, SHARED] = [77, 5];

/** Queries, keys and values of the shared rows [5, H, D], and of the rows of each class [N, H, D]. */
type Parts<T> = { readonly shared: readonly [T, T, T]; readonly classes: readonly [T, T, T] };
type Triple<T> = Parts<T>['classes'];

const each = <T, R>([q, k, v]: Triple<T>, body: (one: T, index: number) => R): Triple<R> => [body(q, 0), body(k, 1), body(v, 2)];

/** Rows of every class after the shared ones. */
const [LEAST, MOST] = [4, 12];
const lengthsOf = (classes: number): number[] =>
  Array.from({ length: classes }, (_, i) => LEAST + ((5 * i) % (MOST - LEAST + 1)));

function inputs(total: number): Parts<Ref> {
  const rows = (count: number, seed: number): Ref => ref([count, HEADS, DEPTH], values(count * WIDTH, seed));
  return { shared: each([1, 2, 3], (seed) => rows(SHARED, seed)), classes: each([4, 5, 6], (seed) => rows(total, seed)) };
}

/** In f64: the output of the rows of the classes, and the gradients of the sum of its squares. */
function truthOf({ shared: [, prefixK, prefixV], classes: [q, k, v] }: Parts<Ref>, lengths: readonly number[]) {
  const cumulative = [0];
  for (const length of lengths) cumulative.push(cumulative.at(-1)! + length);
  const options = { causal: true, prefixK, prefixV, cumulative };
  const { out } = raggedAttention(q, k, v, options);
  const twice = map(out, (value) => 2 * value);
  return { out, gradients: raggedAttentionBackward(q, k, v, twice, options) };
}

type Results = { readonly out: Tensor; readonly gradients: AttentionGradients };

/** Attention, and with `gradient` the gradients of the sum of its squares. */
function run([q, k, v]: Triple<Tensor>, options: AttentionOptions, gradient: boolean): Results {
  const { out, lse } = attentionForward({ q, k, v }, options);
  if (!gradient) return { out, gradients: {} };
  const needs = { q: true, k: true, v: true, prefixK: true, prefixV: true };
  return { out, gradients: attentionBackward({ q, k, v, out, lse, grad: mul(out, 2), needs }, options) };
}

/** What is timed and checked: the output, or the gradient of q. */
const resultOf = ({ out, gradients }: Results): Tensor => gradients.q ?? out;

/** [T, H, D] as [1, T, H, D]. */
const asBatch = (x: Tensor): Tensor => x.reshape([1, ...x.shape]);

/** Every class with 77 rows: the shared, its own, and zeros that nobody reads. */
function padded({ shared, classes }: Parts<Ref>, lengths: readonly number[], device: Device): Triple<Tensor> {
  return each(classes, (rows, index) => {
    const data = new Float32Array(lengths.length * CONTEXT * WIDTH);
    let start = 0;
    for (const [at, length] of lengths.entries()) {
      data.set(shared[index as 0 | 1 | 2].data, at * CONTEXT * WIDTH);
      data.set(rows.data.subarray(start * WIDTH, (start + length) * WIDTH), (at * CONTEXT + SHARED) * WIDTH);
      start += length;
    }
    return tensor(data, { device, shape: [lengths.length, CONTEXT, HEADS, DEPTH] });
  });
}

/** Where the element at `place` of the packed rows lies among the padded ones. */
function paddedPlace(place: number, lengths: readonly number[]): number {
  let row = Math.floor(place / WIDTH);
  let at = 0;
  for (const length of lengths) {
    if (row < length) break;
    row -= length;
    at += 1;
  }
  return (at * CONTEXT + SHARED + row) * WIDTH + (place % WIDTH);
}

/** Operations, as in `flopsOf`: two products forward, five backward, of the pairs that are not masked. */
const flopsOf = (pairs: number, gradient: boolean): number => pairs * WIDTH * 2 * (gradient ? 7 : 2);
const triangle = (rows: number): number => (rows * (rows + 1)) / 2;

/** One problem: packed, and with 77 rows a class. */
async function rowsOf(device: Device, classes: number, gradient: boolean, effort: Effort): Promise<Row[]> {
  const lengths = lengthsOf(classes);
  const total = lengths.reduce((a, b) => a + b, 0);
  const host = inputs(total);
  const { out, gradients } = truthOf(host, lengths);
  const truth = gradient ? gradients.q : out;
  const at = places(total * WIDTH);
  const expected = at.map((place) => truth.data[place]!);

  const upload = (x: Ref): Tensor => tensor(Float32Array.from(x.data), { device, shape: x.shape });
  const shared = each(host.shared, upload);
  const rest = each(host.classes, upload);
  const plain = padded(host, lengths, device);
  using cuSeqlens = packedSequences(device, lengths);
  const over = { causal: true, cuSeqlens, prefix: { k: shared[1], v: shared[2] } };
  const packed = (): Tensor => {
    run(each(shared, asBatch), { causal: true }, gradient); // the tower needs the shared rows' own attention, too
    return resultOf(run(rest, over, gradient));
  };
  const whole = (): Tensor => resultOf(run(plain, { causal: true }, gradient));
  const bytes = (body: () => Tensor): number => scope(() => measurePlan(engineOf(device), body).cost.bytes);

  const what = gradient ? 'forward + gradient' : 'forward';
  const row = { suite: 'attention', name: `attention ${what} ${classes} classes, ${SHARED} shared rows` };
  const pairs = triangle(SHARED) + lengths.reduce((sum, length) => sum + triangle(length) + length * SHARED, 0);
  try {
    const ours = { ...row, engine: OURS, flops: flopsOf(pairs, gradient) };
    const theirs = { ...row, engine: PLAIN, flops: flopsOf(classes * triangle(CONTEXT), gradient) };
    const measured = await measure(device, ours, packed, { at, expected }, effort);
    // Its sum over all classes is what only the packed form computes: every element of it is checked.
    const sums = await scope(async () => await run(rest, over, gradient).gradients.prefixK?.data());
    const error = sums ? Math.max(measured.error!, errorOf(sums, gradients.prefixK!.data)) : measured.error;
    const there = at.map((place) => paddedPlace(place, lengths));
    return [
      { ...checked({ ...measured, error }), extra: { 'rows of a class': `${LEAST}-${MOST}`, 'device bytes': bytes(packed) } },
      {
        ...(await measure(device, theirs, whole, { at: there, expected }, effort)),
        extra: { 'rows of a class': CONTEXT, 'device bytes': bytes(whole) },
      },
    ];
  } finally {
    for (const one of [...shared, ...rest, ...plain]) one.dispose();
  }
}

/** @param counts numbers of classes */
export async function packedAttention(device: Device, effort: Effort, counts: readonly number[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const gradient of [false, true])
    for (const classes of counts) rows.push(...(await rowsOf(device, classes, gradient, effort)));
  return rows;
}
