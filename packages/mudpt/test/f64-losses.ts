/**
 * Losses of methods in f64 on the host: the formulas of their papers on the reference towers, one image and one text at a time. Derivatives by central
 * differences, so that nothing of the engine or of autograd is in them.
 */
import { noGrad, randomFrom } from '@mudpt/autograd';
import { type ClipWeights, randomWeights } from '@mudpt/clip';
import { capture, copyInto, type Tensor, tensor } from '@mudpt/tensor';
import { expect } from 'vitest';
import { imageReference, type ReferenceOptions, type Rows, textReference } from '@mudpt/testing/reference/clip';
import type { PromptMethod } from '../src/methods/index.ts';
import { stepTensors, TINY } from './uneven.ts';

/** What a method learns, by name. */
export type Values = ReadonlyMap<string, Float64Array>;

let weights: ClipWeights | undefined;

/** Those of the conformance kit's CLIP. */
function tinyWeights(): ClipWeights {
  weights ??= randomWeights(TINY, randomFrom(11));
  return weights;
}

/** Rows of `width` numbers. */
export function rowsOf(values: Float64Array | undefined, width: number): Float64Array[] {
  if (!values) throw new Error('the method learns no such tensor');
  return Array.from({ length: values.length / width }, (_, row) => values.slice(row * width, (row + 1) * width));
}

/** x W^T + b of rows, W [outputs, inputs]. */
export function linearRows(rows: Rows, weight: Float64Array | undefined, bias: Float64Array | undefined): Float64Array[] {
  const inputs = rows[0]?.length ?? 0;
  const matrix = rowsOf(weight, inputs);
  return rows.map((row) => Float64Array.from(matrix, (of, o) => dot(of, row) + (bias?.[o] ?? 0)));
}

/** The feature of a text: ids, with `learnt` rows in their places. */
export function textFeature(
  ids: readonly number[],
  learnt: ReadonlyMap<number, Float64Array>,
  hook?: ReferenceOptions['hook'],
): Float64Array {
  const { width } = TINY.text;
  const table = tinyWeights()['token_embedding.weight'] as { readonly data: Float32Array };
  const rows = ids.map((id, place) => learnt.get(place) ?? Float64Array.from(table.data.subarray(id * width, (id + 1) * width)));
  return textReference(TINY, tinyWeights(), rows, ids.length - 1, hook ? { hook } : {});
}

/** The features of images [B, 3, size, size]. */
export function imageFeatures(pixels: ArrayLike<number>, options: ReferenceOptions = {}): Float64Array[] {
  const area = 3 * TINY.image.size ** 2;
  return Array.from({ length: pixels.length / area }, (_, index) =>
    imageReference(
      TINY,
      tinyWeights(),
      Array.from({ length: area }, (_unused, at) => pixels[index * area + at] as number),
      options,
    ),
  );
}

/** Patches and class token of an image. */
export const PATCHES = 1 + (TINY.image.size / TINY.image.patch) ** 2;

export function cosines(images: Rows, texts: Rows, scale: number): number[][] {
  const unit = (row: Float64Array): Float64Array => row.map((value) => value / Math.sqrt(dot(row, row)));
  const of = texts.map(unit);
  return images.map((image) => of.map((text) => scale * dot(unit(image), text)));
}

export function logSoftmax(row: readonly number[]): number[] {
  const most = Math.max(...row);
  const log = most + Math.log(row.reduce((sum, value) => sum + Math.exp(value - most), 0));
  return row.map((value) => value - log);
}

/** The mean over rows. */
export function crossEntropy(logits: readonly (readonly number[])[], labels: ArrayLike<number>): number {
  return logits.reduce((sum, row, index) => sum - (logSoftmax(row)[labels[index] as number] as number), 0) / logits.length;
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] as number), 0);
}

/** Moves everything learnt away from where it began, where zeros and copies would hide mistakes. @returns the new values */
export async function disturbed(method: PromptMethod): Promise<Map<string, Float64Array>> {
  const values = new Map<string, Float64Array>();
  for (const [name, parameter] of method.learnable) {
    const moved = Float32Array.from(await parameter.data(), (value, at) => value + 0.1 * Math.sin(3 * at + name.length));
    noGrad(() => copyInto(parameter, tensor(moved, { shape: parameter.shape, device: parameter.device })));
    values.set(name, Float64Array.from(moved));
  }
  return values;
}

/**
 * A captured step of the method gives the loss, and the derivatives of it in one direction for each parameter.
 * @param idle parameters that the loss does not depend on
 */
export async function expectStep(
  method: PromptMethod,
  { images, labels }: { readonly images: Tensor; readonly labels: Tensor },
  values: Values,
  loss: (values: Values) => number,
  idle: readonly string[] = [],
): Promise<void> {
  using step = capture(({ x, y }: { x: Tensor; y: Tensor }) => stepTensors(method, x, y), { device: images.device });
  const found = step({ x: images, y: labels });
  const expected = loss(values);
  expect(Math.abs((await found.loss.item()) - expected)).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected)));
  const h = 1e-5;
  for (const [name, gradient] of Object.entries(found.gradients)) {
    if (idle.includes(name)) continue;
    const at = values.get(name) as Float64Array;
    const direction = at.map((_, index) => Math.sin(5 * index + 1));
    const moved = (by: number): Values =>
      new Map([...values, [name, at.map((value, index) => value + by * (direction[index] as number))]]);
    const derivative = (loss(moved(h)) - loss(moved(-h))) / (2 * h);
    const g = Float64Array.from(await gradient.data());
    const most = Math.sqrt(dot(g, g) * dot(direction, direction));
    expect(most, name).toBeGreaterThan(0);
    expect(Math.abs(dot(g, direction) - derivative) / most, name).toBeLessThan(1e-4);
  }
}
