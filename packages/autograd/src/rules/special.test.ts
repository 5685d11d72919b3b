/** Every op at its special points: value and gradient of the table in test/cases/special.ts. */
import { expect, it } from 'vitest';
import * as ops from '@mudpt/tensor';
import { type Operand, type Tensor, tensor } from '@mudpt/tensor';
import { type PointwiseName, type PointwiseRow, pointwiseTable } from '@mudpt/tensor/internal';
import { isFloat, type Op } from '@mudpt/tensor/kernels';
import { expectClose } from '@mudpt/testing/reference/compare';
import { ref } from '@mudpt/testing/reference/array';
import { eachDevice } from '@mudpt/testing/support';
import { plainOps, pointwisePoints, specialCases } from '../../test/cases/special.ts';
import { Tape } from '../index.ts';
import { ruleOf } from '../rule.ts';

const table = ops as unknown as Record<string, ((...operands: Operand[]) => Tensor) | undefined>;
/** f32 rounding of a few steps. */
const close = { rel: 1e-6, abs: 2e-7 };
const list = (values: readonly number[]) => ref([values.length], values.map(Math.fround));

eachDevice('special points', (ctx) => {
  for (const [name, points] of Object.entries(pointwisePoints)) {
    const op = table[name];
    if (!op) continue;
    it(name, async () => {
      const row: PointwiseRow = pointwiseTable[name as PointwiseName];
      const count = row.operands.length;
      const column = (at: number): number[] => points.map((point) => point[at] ?? NaN);
      const dtypeOf = (at: number) => (row.isInteger ? 'i32' : row.isConditional && at === 0 ? 'u32' : 'f32');
      const operands = row.operands.map((_, at) => tensor(column(at), { device: ctx.device, dtype: dtypeOf(at) }));
      using tape = new Tape();
      const floats = operands.filter(({ dtype }) => isFloat(dtype));
      for (const operand of floats) tape.watch(operand);
      using output = op(...operands);
      expectClose(await output.data(), list(column(count)), close, name);
      if (isFloat(output.dtype)) {
        using ones = ops.ones([points.length], { device: ctx.device });
        using gradients = tape.backward(output, ones);
        for (const [at, operand] of floats.entries())
          expectClose(await gradients.of(operand).data(), list(column(count + 1 + at)), close, `${name}, gradient ${at}`);
      }
      for (const operand of operands) operand.dispose();
    });
  }

  it.each(specialCases.map((wanted, at) => [`${wanted.name} (${at})`, wanted] as const))('%s', async (name, wanted) => {
    using x = tensor(wanted.x, { device: ctx.device });
    using tape = new Tape();
    tape.watch(x);
    using output = ops.scope(() => wanted.run(x));
    expectClose(await output.data(), list(wanted.value), close, name);
    if (!wanted.gradient) return;
    const weights = wanted.weights ?? wanted.value.map(() => 1);
    using cotangent = tensor(Float32Array.from(weights), { shape: output.shape, device: ctx.device });
    using gradients = tape.backward(output, cotangent);
    expectClose(await gradients.of(x).data(), list(wanted.gradient), close, `gradient of ${name}`);
  });

  for (const dtype of ['f32', 'f16'] as const) {
    it(`NaN and subnormal numbers are true as bool: from ${dtype} and from the host`, async ({ skip }) => {
      skip(dtype === 'f16' && !ctx.device.hasF16, 'the adapter has no shader-f16');
      const values = [NaN, 0, -0, 1e-7, 1];
      using x = tensor(values, { device: ctx.device, dtype });
      using cast = ops.cast(x, 'bool');
      using host = tensor(values, { device: ctx.device, dtype: 'bool' });
      expect([...(await cast.data())]).toEqual([1, 0, 0, 1, 1]);
      expect([...(await host.data())]).toEqual([1, 0, 0, 1, 1]);
    });
  }

  it('leaves out no op', () => {
    const hasRule = (value: unknown): value is Op =>
      typeof value === 'function' && 'opName' in value && ruleOf(value as Op) !== undefined;
    const names = (Object.values(ops) as unknown[]).filter(hasRule).map((op) => op.opName);
    const seen = new Set([...Object.keys(pointwisePoints), ...specialCases.map(({ name }) => name), ...plainOps]);
    expect(names.filter((name) => !seen.has(name))).toEqual([]);
    expect(Object.keys(pointwisePoints).sort()).toEqual(Object.keys(pointwiseTable).sort());
  });
});
