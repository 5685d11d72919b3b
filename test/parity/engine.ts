/** The operations the goldens call, as far as `@mudpt/tensor` has them: a missing one is Unsupported by name, not a crash. */
import * as engine from '@mudpt/tensor';
import type { Tensor } from '@mudpt/tensor';
import { Unsupported } from './options.ts';

type Unary = (x: Tensor) => Tensor;
type Binary = (a: Tensor, b: Tensor) => Tensor;
type Reduction = (x: Tensor, axes: readonly number[], options: { keepdim?: boolean }) => Tensor;

export interface Operations {
  readonly add: Binary;
  readonly sub: Binary;
  readonly mul: Binary;
  readonly div: Binary;
  readonly relu: Unary;
  readonly sigmoid: Unary;
  readonly tanh: Unary;
  readonly exp: Unary;
  readonly log: Unary;
  readonly sqrt: Unary;
  readonly rsqrt: Unary;
  readonly abs: Unary;
  readonly square: Unary;
  readonly neg: Unary;
  readonly reciprocal: Unary;
  readonly gelu: Unary;
  readonly geluTanh: Unary;
  readonly quickGelu: Unary;
  readonly sum: Reduction;
  readonly mean: Reduction;
  readonly max: Reduction;
  readonly softmax: (x: Tensor, axis: number) => Tensor;
  readonly logSoftmax: (x: Tensor, axis: number) => Tensor;
  readonly l2Normalize: (x: Tensor, axis: number, eps: number) => Tensor;
  readonly layerNorm: (x: Tensor, weight: Tensor, bias: Tensor, eps: number) => Tensor;
  readonly crossEntropy: (x: Tensor, label: Tensor, options: { reduction: 'mean' | 'sum' }) => Tensor;
  readonly l1Loss: (x: Tensor, target: Tensor, options: { reduction: 'mean' | 'sum' }) => Tensor;
  /** sum q (log q - log p) / (rows x classes) of the logits x (p) and target (q). */
  readonly klDiv: (x: Tensor, target: Tensor, options: { reduction: 'mean' }) => Tensor;
  readonly matmul: (a: Tensor, b: Tensor, options: { transposeA: boolean; transposeB: boolean }) => Tensor;
  readonly linear: (x: Tensor, weight: Tensor, bias?: Tensor) => Tensor;
  readonly conv2d: (x: Tensor, weight: Tensor, bias: Tensor | undefined, options: { stride: number }) => Tensor;
  /** [B, T, H, D] in and out. */
  readonly attention: (q: Tensor, k: Tensor, v: Tensor, options: { causal: boolean }) => Tensor;
  readonly embedding: (weight: Tensor, ids: Tensor) => Tensor;
  readonly indexSelect: (x: Tensor, axis: number, index: Tensor) => Tensor;
  readonly gather: (x: Tensor, axis: number, index: Tensor) => Tensor;
  readonly reshape: (x: Tensor, shape: readonly number[]) => Tensor;
  readonly permute: (x: Tensor, axes: readonly number[]) => Tensor;
  readonly expand: (x: Tensor, shape: readonly number[]) => Tensor;
  /** One range an axis; null takes the whole axis. */
  readonly slice: (x: Tensor, ranges: readonly (Range | null)[]) => Tensor;
  readonly cat: (tensors: readonly Tensor[], axis: number) => Tensor;
}

export interface Range {
  readonly start?: number;
  readonly stop?: number;
  readonly step?: number;
}

/** Typed without a cast: an operation whose signature is not the one above does not compile. (Device only makes the type not empty.) */
const present: Partial<Operations> & { readonly Device: unknown } = engine;

export const tensorOperations: Operations = new Proxy({} as Operations, {
  get: (_, name) => {
    const operation = present[name as keyof Operations];
    if (operation !== undefined) return operation;
    throw new Unsupported(`@mudpt/tensor has no ${String(name)} yet`);
  },
});
