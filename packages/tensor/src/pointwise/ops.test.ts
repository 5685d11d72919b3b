import { expect, it } from 'vitest';
import { broadcastIndex, broadcastShapes, build, get, map, type Ref, ref } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { generator, random, specialValues } from '@mudpt/testing/reference/inputs';
import { binaryFunctions, unaryFunctions } from '@mudpt/testing/reference/pointwise';
import { applyView, broadcastPairs, clashingPairs, edgeShapes, viewRecipes } from '@mudpt/testing/shapes';
import { eachDevice } from '@mudpt/testing/support';
import { viewOf } from '@mudpt/testing/views';
import type { Device } from '../device.ts';
import type { DType } from '../dtype.ts';
import type { Tensor } from '../tensor.ts';
import { addInto } from '../ops/reduce/accumulate.ts';
import { tensor } from '../ops/create/create.ts';
import { applyPointwise } from './apply.ts';
import { pointwiseBackward, pointwiseDerivative } from './gradient.ts';
import {
  add,
  bitwiseAnd,
  bitwiseNot,
  clamp,
  div,
  eq,
  exp,
  fmod,
  gcd,
  isClose,
  mod,
  mul,
  nanToNum,
  pow,
  shiftLeft,
  shiftRight,
  shiftRightLogical,
  sub,
  truncDiv,
  where,
} from './ops.ts';
import { type PointwiseName, pointwiseTable } from './table.ts';
import type { PointwiseRow } from './row.ts';

type Oracle = (...operands: number[]) => number;

/** The f64 definition of every row. */
const oracles: Record<PointwiseName, Oracle> = {
  ...unaryFunctions,
  ...binaryFunctions,
  maximum: binaryFunctions.max,
  minimum: binaryFunctions.min,
  isInf: (x) => Number(Math.abs(x) === Infinity),
  where: (condition, x, y) => (condition !== 0 ? x : y),
  clamp: (x, low, high) => Math.min(Math.max(x, low), high),
  lerp: (x, y, weight) => (Math.abs(weight) < 0.5 ? x + weight * (y - x) : y - (1 - weight) * (y - x)),
  addcmul: (x, y, z, scale) => x + scale * y * z,
  nanToNum: (x, nan, infinity, negative) => (Number.isNaN(x) ? nan : x === Infinity ? infinity : x === -Infinity ? negative : x),
  isClose: (x, y, relative, absolute) => Number(x === y || Math.abs(x - y) <= absolute + relative * Math.abs(y)),
};
const rows = Object.entries(pointwiseTable) as [PointwiseName, PointwiseRow][];

/** Rounding of a few units; results that cancel are compared with the size of their terms. */
const close = { rel: 2e-6, abs: 1e-6 };

function drawn(row: PointwiseRow, operand: number, shape: readonly number[], seed: number): Ref {
  const [low, high] = row.domain[operand] ?? row.domain[0]!;
  const isCondition = row.isConditional && operand === 0;
  const x = random(shape, seed + 31 * operand, {
    distribution: isCondition || row.isBool || row.isInteger ? 'integer' : 'uniform',
    low,
    high,
  });
  return x;
}

const upload = (device: Device, x: Ref, dtype: DType = 'f32'): Tensor =>
  tensor(new Float32Array(x.data), { shape: x.shape, dtype, device });
const dtypeOf = (row: PointwiseRow, operand: number): DType =>
  row.isInteger ? 'i32' : row.isConditional && operand === 0 ? 'bool' : 'f32';

function expected(name: PointwiseName, operands: readonly Ref[]): Ref {
  return build(broadcastShapes(...operands.map((x) => x.shape)), (index) =>
    oracles[name](...operands.map((x) => get(x, broadcastIndex(index, x.shape)))),
  );
}

const read = async (t: Tensor): Promise<Ref> => ref(t.shape, await t.data());

eachDevice('pointwise', (ctx) => {
  it.each(rows)('%s: dense, with a number, and broadcast', async (name, row) => {
    const count = row.operands.length;
    const shapes = [[1031], [1]].concat(count > 1 ? [[5, 7]] : []);
    for (const [at, shape] of shapes.entries()) {
      const inputs = row.operands.map((_, i) => drawn(row, i, at === 2 && i === 1 ? [7] : shape, 7 + at));
      const tensors = inputs.map((x, i) => upload(ctx.device, x, dtypeOf(row, i)));
      using result = applyPointwise(name, pointwiseTable[name], tensors);
      expectClose(await read(result), expected(name, inputs), row.isBool ? { rel: 0, abs: 0 } : close, `${name} [${shape}]`);
      for (const t of tensors) t.dispose();
    }
    if (count === 1) return;
    const inputs = row.operands.map((_, i) => drawn(row, i, i === 0 ? [67] : [], 3));
    using first = upload(ctx.device, inputs[0]!, dtypeOf(row, 0));
    using result = applyPointwise(name, pointwiseTable[name], [first, ...inputs.slice(1).map((x) => x.data[0]!)]);
    expectClose(await read(result), expected(name, inputs), row.isBool ? { rel: 0, abs: 0 } : close, `${name} by number`);
  });

  it.each(rows.filter(([, row]) => row.operands.length === 1 && !row.isInteger))('%s at special values', async (name, row) => {
    const x = ref([specialValues.length], specialValues);
    using t = upload(ctx.device, x);
    using y = applyPointwise(name, pointwiseTable[name], [t]);
    const actual = await read(y);
    // Subnormal numbers may be flushed to zero, so the result for zero is accepted too.
    const wanted = map(x, (value, i) => {
      const exact = Math.fround(oracles[name](value));
      const flushed = Math.fround(oracles[name](value < 0 ? -0 : 0));
      const isSubnormal = value !== 0 && Math.abs(value) < 1.2e-38;
      return isSubnormal && Object.is(actual.data[i], flushed) ? flushed : exact;
    });
    // A flushed subnormal factor makes the product zero too.
    expectClose(actual, wanted, row.isBool ? { rel: 0, abs: 0 } : { rel: 4e-6, abs: 2e-36 }, name);
  });

  it.each([
    ...(['add', 'mul', 'maximum', 'minimum', 'pow', 'mod', 'floorDiv', 'atan2', 'eq', 'ne', 'lt', 'ge', 'logicalXor'] as const),
    ...(['truncDiv', 'fmod', 'hypot', 'copysign', 'xlogy', 'heaviside'] as const),
  ])('%s at pairs of special values', async (name) => {
    const values = [0, -0, 1, -1, 0.5, -0.5, 2, -3, 3, 1e4, -1e4, 1e30, Infinity, -Infinity, NaN].map(Math.fround);
    const [x, y] = [ref([values.length, 1], values), ref([values.length], values)];
    using tx = upload(ctx.device, x);
    using ty = upload(ctx.device, y);
    using result = applyPointwise(name, pointwiseTable[name], [tx, ty]);
    const wanted = map(expected(name, [x, y]), Math.fround);
    if (!['mod', 'floorDiv', 'fmod', 'truncDiv'].includes(name))
      return expectClose(await read(result), wanted, { rel: 2e-6, abs: 1e-37 }, name);
    // Exact only for quotients below 2^24.
    const actual = await read(result);
    const within = (i: number): boolean => {
      const quotient = Math.abs(values[Math.floor(i / values.length)]! / values[i % values.length]!);
      return !(Number.isFinite(quotient) && quotient >= 2 ** 24);
    };
    const keep = (r: Ref): Ref => map(r, (value, i) => (within(i) ? value : 0));
    expectClose(keep(actual), keep(wanted), { rel: 2e-6, abs: 1e-37 }, name);
  });

  it.each(rows.filter(([, row]) => row.gradients))('%s: gradients match central differences', async (name, row) => {
    const shape = [127];
    const inputs = row.operands.map((_, i) => drawn(row, i, shape, 11));
    const next = generator(5);
    const grad = map(inputs[0]!, () => Math.fround(2 * next() - 1));
    const tensors = inputs.map((x, i) => upload(ctx.device, x, dtypeOf(row, i)));
    using output = applyPointwise(name, pointwiseTable[name], tensors);
    using g = upload(ctx.device, grad);
    for (const [operand, rule] of pointwiseDerivative(pointwiseTable[name]).entries()) {
      if (!rule) continue;
      const kept = tensors.map((t, i) => (rule.readsOperands.includes(i) ? t : undefined));
      using result = pointwiseBackward(name, pointwiseTable[name], operand, {
        inputs: kept,
        output: rule.readsOutput ? output : undefined,
        grad: g,
      });
      const actual = await read(result);
      const h = 1e-5;
      const wanted = map(grad, (value, i) => {
        const at = inputs.map((x) => x.data[i]!);
        const moved = (by: number): number => oracles[name](...at.map((v, j) => (j === operand ? v + by : v)));
        const place = name === 'maximum' || name === 'minimum' ? at[0]! - at[1]! : at[0]!;
        const atJump = (name === 'mod' || name === 'fmod') && Math.abs(at[0]! / at[1]! - Math.round(at[0]! / at[1]!)) < 1e-3;
        if (atJump || row.kinks?.some((kink) => Math.abs(place - kink) < 1e-3)) return actual.data[i]!;
        return (value * (moved(h) - moved(-h))) / (2 * h);
      });
      expectClose(actual, wanted, { rel: 3e-5, abs: 3e-6 }, `${name} gradient of ${row.operands[operand]}`);
    }
    for (const t of tensors) t.dispose();
  });

  it('gradients at kinks are those of PyTorch', async () => {
    using zero = tensor([0, 2], { device: ctx.device });
    using g = tensor([3, 3], { device: ctx.device });
    const grads: Record<string, number[]> = {};
    for (const name of ['relu', 'abs', 'maximum', 'leakyRelu'] as const) {
      using result = pointwiseBackward(name, pointwiseTable[name], 0, {
        inputs: name === 'maximum' ? [zero, 0] : [zero],
        grad: g,
      });
      grads[name] = [...(await result.data())];
    }
    expect(grads).toEqual({ relu: [0, 3], abs: [0, 3], maximum: [1.5, 3], leakyRelu: [Math.fround(0.03), 3] });
  });

  it('every edge shape, twice with the same bits', async () => {
    for (const shape of edgeShapes) {
      const x = random(shape, 3);
      using t = upload(ctx.device, x);
      using a = exp(t);
      using b = exp(t);
      expectClose(await read(a), map(x, Math.exp), close, `exp [${shape}]`);
      expect(await a.data()).toEqual(await b.data());
    }
  });

  it('broadcasts', async () => {
    for (const [left, right] of broadcastPairs) {
      const [x, y] = [random(left, 1), random(right, 2)];
      using tx = upload(ctx.device, x);
      using ty = upload(ctx.device, y);
      using result = sub(tx, ty);
      expectClose(await read(result), expected('sub', [x, y]), close, `[${left}] - [${right}]`);
    }
    for (const [left, right] of clashingPairs) {
      using tx = upload(ctx.device, random(left, 1));
      using ty = upload(ctx.device, random(right, 2));
      expect(() => add(tx, ty)).toThrow(/add: shapes .* do not broadcast/);
    }
  });

  it('takes views of every kind, in operands and in place', async () => {
    for (const recipe of viewRecipes) {
      const base = random(recipe.base, 4);
      using v = viewOf(ctx.device, base, recipe);
      const x = applyView(base, recipe);
      const y = random(recipe.shape, 5);
      using ty = upload(ctx.device, y);
      using result = mul(v, ty);
      expectClose(await read(result), expected('mul', [x, y]), close, recipe.name);
      using back = pointwiseBackward('mul', pointwiseTable.mul, 1, { inputs: [v, undefined], grad: ty });
      expectClose(await read(back), expected('mul', [x, y]), close, `${recipe.name}, backward`);
      if (recipe.steps.some((step) => step.op === 'expand')) continue;
      addInto(v, ty, 0.5);
      expectClose(await read(v), expected('addcmul', [x, y, ref([], [0.5]), ref([], [1])]), close, `${recipe.name}, in place`);
    }
  });

  it('adds in place: dense, broadcast, by tensor', async () => {
    const [x, y] = [random([5, 8], 1), random([8], 2)];
    using target = upload(ctx.device, x);
    using ty = upload(ctx.device, y);
    using alpha = tensor(-2, { device: ctx.device });
    addInto(target, target.shape.length === 2 ? ty : target, alpha);
    expectClose(await read(target), expected('addcmul', [x, y, ref([], [-2]), ref([], [1])]), close);
    using other = upload(ctx.device, x);
    addInto(target, other);
    expectClose(await read(target), expected('addcmul', [map(x, (v) => 2 * v), y, ref([], [-2]), ref([], [1])]), close);
    expect(() => addInto(ty, target)).toThrow(/does not broadcast to the target's \[8\]/);
    expect(() => addInto(target, target)).toThrow(/shares its memory/);
  });

  it('promotes dtypes', async () => {
    const make = (data: number[], dtype: Tensor['dtype']): Tensor => tensor(data, { dtype, device: ctx.device });
    using i = make([7, -7, 5], 'i32');
    using j = make([2, 2, -3], 'i32');
    using u = make([4294967295, 2, 3], 'u32');
    using b = make([1, 0, 1], 'bool');
    using f = make([0.5, 1.5, 2.5], 'f32');
    const cases: [Tensor, string, number[]][] = [
      [add(i, j), 'i32', [9, -5, 2]],
      [div(i, j), 'f32', [3.5, -3.5, Math.fround(-5 / 3)]],
      [mod(i, j), 'i32', [1, 1, -1]],
      [applyPointwise('floorDiv', pointwiseTable.floorDiv, [i, j]), 'i32', [3, -4, -2]],
      [pow(j, 5), 'i32', [32, 32, -243]],
      [add(u, 1), 'u32', [0, 3, 4]],
      [mul(i, 0.5), 'f32', [3.5, -3.5, 2.5]],
      [add(b, b), 'i32', [2, 0, 2]],
      [add(b, f), 'f32', [1.5, 1.5, 3.5]],
      [eq(i, 7), 'bool', [1, 0, 0]],
      [eq(u, 4294967295), 'bool', [1, 0, 0]],
      [where(b, i, -1), 'i32', [7, -1, 5]],
      [where(b, b, b), 'bool', [1, 0, 1]],
      [clamp(i, 0), 'i32', [7, 0, 5]],
      [exp(b), 'f32', [Math.fround(Math.E), 1, Math.fround(Math.E)]],
    ];
    for (const [result, dtype, values] of cases) {
      expect(result.dtype).toBe(dtype);
      expectClose(await result.data(), ref([3], values), { rel: 2e-7, abs: 0 });
      result.dispose();
    }
    expect(() => where(f, i, j)).toThrow(/condition has dtype f32/);
    expect(() => add(1, 2)).toThrow(/all operands are numbers/);
  });

  it('bits and divisors of large integers, signed and not, and what is refused', async () => {
    const numbers = [0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xdeadbeef, 12, 48];
    const shifts = [0, 1, 31, 4, 32, 40, 5, 3];
    using u = tensor(Uint32Array.from(numbers), { device: ctx.device });
    using i = tensor(Int32Array.from(numbers), { device: ctx.device });
    using by = tensor(Uint32Array.from(shifts), { device: ctx.device });
    using byI = tensor(Int32Array.from(shifts), { device: ctx.device });
    const check = async (result: Tensor, of: (x: number, n: number) => number): Promise<void> => {
      const values =
        result.dtype === 'u32'
          ? Uint32Array.from(numbers, (x, at) => of(x, shifts[at]!))
          : Int32Array.from(numbers, (x, at) => of(x | 0, shifts[at]!));
      expect(await result.data()).toEqual(values);
      result.dispose();
    };
    await check(shiftLeft(u, by), (x, n) => (n > 31 ? 0 : x << n));
    await check(shiftRight(u, by), (x, n) => (n > 31 ? 0 : x >>> n));
    await check(shiftRight(i, byI), (x, n) => x >> Math.min(n, 31));
    await check(shiftRightLogical(i, byI), (x, n) => (n > 31 ? 0 : x >>> n));
    await check(bitwiseAnd(u, 0xff), (x) => x & 0xff);
    await check(bitwiseNot(u), (x) => ~x);
    await check(gcd(u, 36), (x) => binaryFunctions.gcd(x, 36));
    await check(truncDiv(i, -5), (x) => Math.trunc(x / -5));
    await check(fmod(i, -5), (x) => x % -5);
    // Of bools a mask stays one: ~1 would be -2, which is true as well.
    using mask = tensor([1, 0], { dtype: 'bool', device: ctx.device });
    using turned = bitwiseNot(mask);
    using both = bitwiseAnd(mask, turned);
    expect([turned.dtype, both.dtype]).toEqual(['bool', 'bool']);
    expect([...(await turned.data()), ...(await both.data())]).toEqual([0, 1, 0, 0]);
    using near = isClose(i, 12, 0, 3);
    expect(Array.from(await near.data())).toEqual([0, 0, 0, 0, 0, 0, 1, 0]);
    using f = upload(ctx.device, ref([2], [1, 2]));
    expect(() => bitwiseAnd(f, 1)).toThrow(/bitwiseAnd: operand 0 has dtype f32.*cast\('i32'\)/s);
    expect(() => gcd(i, 0.5)).toThrow(/the number 0.5 is none of the tensor's dtype/);
  });

  it('nanToNum takes the largest number of the dtype', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    using x = tensor([NaN, Infinity, -Infinity, 2], { dtype: 'f16', device: ctx.device });
    using y = nanToNum(x, 7);
    expect(Array.from(await y.data())).toEqual([7, 65504, -65504, 2]);
  });

  it('f16 is computed in f32', async ({ skip }) => {
    skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
    const x = random([133], 1, { round: 'f16' });
    using h = tensor(new Float32Array(x.data), { dtype: 'f16', device: ctx.device });
    using f = upload(ctx.device, x);
    using y = exp(h);
    using z = mul(h, f);
    using s = add(h, 0.25);
    expect([y.dtype, z.dtype, s.dtype]).toEqual(['f16', 'f32', 'f16']);
    expectClose(await read(y), map(x, Math.exp), { rel: 1e-3, abs: 1e-7 });
    expectClose(
      await read(z),
      map(x, (v) => v * v),
      close,
    );
    expectClose(
      await read(s),
      map(x, (v) => v + 0.25),
      { rel: 1e-3, abs: 1e-7 },
    );
  });
});
