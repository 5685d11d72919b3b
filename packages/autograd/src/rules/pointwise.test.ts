/** Every row of the pointwise table against central differences of its f64 form, with every kernel variant. */
import { it } from 'vitest';
import * as ops from '@mudpt/tensor';
import { type Operand, type PointwiseName, pointwiseTable, type Tensor, tensor } from '@mudpt/tensor';
import * as array from '../../../tensor/test/reference/array.ts';
import { binaryFunctions, unaryFunctions } from '../../../tensor/test/reference/pointwise.ts';
import { eachDevice } from '../../../tensor/test/support.ts';
import { type Case, checkVariants } from '../../test/rule-check.ts';

eachDevice('pointwise rules', (ctx) => {
  const check = async (wanted: Case): Promise<void> => await checkVariants(ctx.device, wanted);
  const table = ops as unknown as Record<string, (...operands: Operand[]) => Tensor>;
  for (const name of Object.keys(pointwiseTable) as PointwiseName[]) {
    const row = pointwiseTable[name];
    const isSmooth = !row.isBool && row.gradients && !row.kinks;
    const one = (unaryFunctions as unknown as Record<string, ((x: number) => number) | undefined>)[name];
    const two = (binaryFunctions as unknown as Record<string, ((x: number, y: number) => number) | undefined>)[name];
    if (!isSmooth || !table[name]) continue;
    if (row.operands.length === 1 && one) {
      it(name, () =>
        check({
          shapes: [[3, 5]],
          run: table[name] as never,
          reference: (x) => array.map(x, (v) => one(v)),
          domain: row.domain.map(([a, b]) => [Math.max(a, -3), Math.min(b, 3)]),
        }),
      );
    } else if (row.operands.length === 2 && two && name !== 'mod') {
      it(`${name}, broadcast`, () =>
        check({
          shapes: [
            [3, 1, 2],
            [4, 1],
          ],
          run: table[name] as never,
          reference: (x, y) =>
            array.build([3, 4, 2], (index) =>
              two(array.get(x, array.broadcastIndex(index, x.shape)), array.get(y, array.broadcastIndex(index, y.shape))),
            ),
          domain: row.domain.map(([a, b]) => [Math.max(a, -2), Math.min(b, 2)]),
        }));
    }
  }
  it('relu and maximum away from their kinks', async () => {
    await check({ shapes: [[7]], run: ops.relu, reference: (x) => array.map(x, (v) => Math.max(v, 0)) });
    await check({
      shapes: [[7], [7]],
      run: (x, y) => ops.maximum(x, y),
      reference: (x, y) => array.map(x, (v, i) => Math.max(v, y.data[i] ?? 0)),
      domain: [
        [1, 2],
        [-2, -1],
      ],
    });
  });
  it('where, clamp, lerp, addcmul', async () => {
    using yes = tensor([1, 0, 1], { dtype: 'bool', device: ctx.device });
    await check({
      shapes: [[3], [3]],
      run: (x, y) => ops.where(yes, x, y),
      reference: (x, y) => array.map(x, (v, i) => (i === 1 ? (y.data[i] ?? 0) : v)),
    });
    await check({
      shapes: [[9]],
      run: (x) => ops.clamp(x, -0.5, 0.5),
      reference: (x) => array.map(x, (v) => Math.min(0.5, Math.max(-0.5, v))),
    });
    await check({
      shapes: [[4], [4], [4]],
      run: (x, y, z) => ops.lerp(x, y, z),
      reference: (x, y, z) => array.map(x, (v, i) => v + z.data[i]! * (y.data[i]! - v)),
    });
    await check({
      shapes: [[4], [4], [4]],
      run: (x, y, z) => ops.addcmul(x, y, z, 2),
      reference: (x, y, z) => array.map(x, (v, i) => v + 2 * y.data[i]! * z.data[i]!),
    });
  });
});
