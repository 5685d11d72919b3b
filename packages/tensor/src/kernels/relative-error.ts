/**
 * ||values - reference|| / ||reference|| (2-norms): how far two computations of the same numbers are apart. 0 for equal ones; NaN where a value is NaN
 * or missing, which no tolerance takes.
 */
export function relativeError(values: ArrayLike<number>, reference: ArrayLike<number>): number {
  let gap = 0;
  let norm = 0;
  for (let i = 0; i < reference.length; i += 1) {
    gap += (values[i]! - reference[i]!) ** 2;
    norm += reference[i]! ** 2;
  }
  return gap === 0 ? 0 : Math.sqrt(gap / norm);
}
