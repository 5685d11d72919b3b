/** Step sizes and initial factors of LP++, from the features alone. Source: calculate_lr_w, calculate_lr_alpha and calculate_init_alpha of the authors. */
import { matmul, scope, type Tensor } from '@mudpt/tensor';

/** Iterations of the power method at most, and the relative change of the eigenvalue that ends it. */
const MOST_ITERATIONS = 10_000;
const CONVERGED = 1e-13;

/** 4 N over the largest eigenvalue of f^T f; unit features f [N, embed]. */
export async function weightRate(features: Tensor): Promise<number> {
  const [count, embed] = features.shape as [number, number];
  // The smaller of f^T f and f f^T: they have the same largest eigenvalue.
  const isWide = embed > count;
  const gram = await scope(() => matmul(features, features, isWide ? { transposeB: true } : { transposeA: true }).data());
  return (4 * count) / largestEigenvalue(gram, Math.min(count, embed));
}

/** The largest eigenvalue of a symmetric matrix [n, n] without negative eigenvalues, by the power method in double precision. */
export function largestEigenvalue(matrix: ArrayLike<number>, n: number): number {
  // Unequal entries, because a start orthogonal to the eigenvector would never reach it.
  let vector = Float64Array.from({ length: n }, (_, index) => 1 + 0.5 * Math.sin(index + 1));
  let value = 0;
  for (let iteration = 0; iteration < MOST_ITERATIONS; iteration += 1) {
    const norm = Math.hypot(...vector);
    if (norm === 0) return 0;
    const unit = vector.map((entry) => entry / norm);
    vector = unit.map((_, row) => {
      let total = 0;
      for (let column = 0; column < n; column += 1) total += (matrix[row * n + column] as number) * (unit[column] as number);
      return total;
    });
    const next = vector.reduce((total, entry, index) => total + entry * (unit[index] as number), 0);
    if (Math.abs(next - value) <= CONVERGED * Math.abs(next)) return next;
    value = next;
  }
  return value;
}

/** N over 4 times the largest sum over images of squared cosines with one class; cosines [N, C]. */
export function alphaRate(cosines: ArrayLike<number>, classes: number): number {
  const sums = new Float64Array(classes);
  for (let at = 0; at < cosines.length; at += 1)
    sums[at % classes] = (sums[at % classes] as number) + (cosines[at] as number) ** 2;
  return cosines.length / classes / (4 * Math.max(...sums));
}

/** The mean over classes of the mean cosine of their images with their text; classes without images do not count. */
export function initialAlpha(cosines: ArrayLike<number>, labels: Int32Array, classes: number): number {
  const [sums, counts] = [new Float64Array(classes), new Float64Array(classes)];
  for (const [row, label] of labels.entries()) {
    sums[label] = (sums[label] as number) + (cosines[row * classes + label] as number);
    counts[label] = (counts[label] as number) + 1;
  }
  const means = [...sums].flatMap((total, label) => ((counts[label] as number) > 0 ? [total / (counts[label] as number)] : []));
  return means.reduce((total, one) => total + one, 0) / means.length;
}
