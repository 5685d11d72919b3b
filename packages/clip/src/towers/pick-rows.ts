/** Some rows of packed tokens, of which the places are known: their gradient is one copy, where that of any index adds up. */
import { defineRule } from '@mudpt/autograd';
import { indexSelect, type Tensor, tensor } from '@mudpt/tensor';
import { rowsOrZeros } from '@mudpt/tensor/internal';
import { defineOp } from '@mudpt/tensor/kernels';

const indexOf = (x: Tensor, places: ArrayLike<number>): Tensor => tensor(Int32Array.from(places), { device: x.device });

/** Rows `places` of x [N, width], each named once: [count, width]. */
const pickOnce = defineOp('pickRows', (x: Tensor, places: readonly number[]): Tensor => {
  using index = indexOf(x, places);
  return indexSelect.run(x, 0, index);
});

defineRule(
  pickOnce,
  (_, x, places) => {
    const [rows = 0] = x.shape;
    return {
      output: pickOnce(x, places),
      takesF32: true,
      backward: (grad) => {
        const sources = new Int32Array(rows).fill(places.length); // beyond the last: nothing
        for (const [source, place] of places.entries()) sources[place] = source;
        return [rowsOrZeros(grad, indexOf(x, sources))];
      },
    };
  },
  { composition: (x, places) => indexSelect(x, 0, indexOf(x, places)) },
);

/** Rows `places` of x [N, width]: [count, width]. */
export function pickRows(x: Tensor, places: readonly number[]): Tensor {
  return new Set(places).size === places.length ? pickOnce(x, places) : indexSelect(x, 0, indexOf(x, places));
}
