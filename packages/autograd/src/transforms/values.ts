/** Values of tensors on the host, for gradient checks. */
import { type Tensor, tensor } from '@mudpt/tensor/functions';

/** Values in row-major order. */
export type Values = { readonly shape: readonly number[]; readonly data: Float64Array };

/** A function in f64. */
export type Reference = (...inputs: Values[]) => Values;

export async function valuesOf(x: Tensor): Promise<Values> {
  return { shape: x.shape, data: Float64Array.from(await x.data()) };
}

export function upload(values: Values, like: Tensor): Tensor {
  return tensor(values.data, { shape: values.shape, dtype: like.dtype, device: like.device });
}

export function inner(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}

export function norm(a: Float64Array): number {
  return Math.sqrt(inner(a, a));
}

/** Whether |found - wanted| is above `tolerance` times |wanted|, or times `least` if that is larger (2-norms). */
export function differs(wanted: Float64Array, found: Float64Array, tolerance: number, least: number): boolean {
  const gap = norm(wanted.map((want, index) => want - found[index]!));
  return wanted.length > 0 && !(gap <= tolerance * Math.max(norm(wanted), least));
}
