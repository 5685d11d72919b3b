import { expect, it } from 'vitest';
import { build, get, type Ref, ref, sizeOf } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import * as reference from '@mudpt/testing/reference/linalg';
import { matmul as product } from '@mudpt/testing/reference/matmul';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice } from '@mudpt/testing/views';
import * as ops from '../../index.ts';
import { scope, type Tensor, tensor } from '../../index.ts';

/** Unit roundoff of f32. */
const EPS = 2 ** -24;
const SQUARES = [
  [0, 0],
  [1, 1],
  [2, 3, 3, 3],
  [2, 7, 7],
  [67, 67],
] as const;
const SHAPES = [
  [1, 1],
  [2, 3, 5, 3],
  [2, 3, 5],
  [67, 30],
  [30, 67],
  [4, 0],
  [0, 2, 2],
] as const;

const read = async (t: Tensor): Promise<Ref> => ref(t.shape, await t.data());
const length = (x: Ref): number => Math.hypot(...x.data);
const difference = (a: Ref, b: Ref): Ref =>
  ref(
    a.shape,
    a.data.map((value, i) => value - b.data[i]!),
  );
const swap = (x: Ref): Ref =>
  build([...x.shape.slice(0, -2), ...x.shape.slice(-2).reverse()], (at) => get(x, [...at.slice(0, -2), at.at(-1)!, at.at(-2)!]));
/** The identity, over leading axes. */
const identity = (batch: readonly number[], n: number): Ref => build([...batch, n, n], (at) => Number(at.at(-1) === at.at(-2)));
/** x diag(values). */
const scaled = (x: Ref, values: Ref): Ref => build(x.shape, (at) => get(x, at) * get(values, [...at.slice(0, -2), at.at(-1)!]));

/** Backward stability: a residual within a small multiple of n times the roundoff of the size of what was decomposed. */
function expectSmall(residual: Ref, whole: Ref, what: string): void {
  const n = Math.max(1, ...whole.shape.slice(-2));
  expect(residual.data.every(Number.isFinite), what).toBe(true);
  expect(length(residual), what).toBeLessThanOrEqual(8 * n * EPS * Math.max(length(whole), 1e-30));
}
function expectOrthonormal(q: Ref, what: string): void {
  const gram = product(q, q, { transposeA: true });
  const one = identity(q.shape.slice(0, -2), q.shape.at(-1)!);
  expectSmall(difference(gram, one), one, `${what}, orthonormal`);
}

eachDevice('linear algebra', (ctx) => {
  const upload = (x: Ref): Tensor => toDevice(ctx.device, x);
  /** Positive definite matrices. */
  const definite = (shape: readonly number[], seed: number): Ref => {
    const x = random(shape, seed);
    const square = product(x, x, { transposeB: true });
    return ref(
      shape,
      Float32Array.from(build(shape, (at) => get(square, at) / shape.at(-1)! + 0.1 * Number(at.at(-1) === at.at(-2))).data),
    );
  };

  it('cholesky and triangular systems', () =>
    scope(async () => {
      for (const shape of SQUARES) {
        const a = definite(shape, 1);
        const t = upload(a);
        const lower = ops.cholesky(t);
        const l = await read(lower);
        expectSmall(difference(product(l, l, { transposeB: true }), a), a, `cholesky [${shape}]`);
        expect(
          l.data.every((value, i) => i % shape.at(-1)! <= Math.floor(i / shape.at(-1)!) % shape.at(-1)! || value === 0),
        ).toBe(true);
        const b = random([...shape.slice(0, -1), 3], 2);
        for (const upper of [false, true])
          for (const transpose of [false, true]) {
            const factor = upper ? ops.transpose(lower, -1, -2) : lower;
            const x = await read(ops.solveTriangular(factor, upload(b), { upper, transpose }));
            const back = product(upper === transpose ? l : swap(l), x);
            expectSmall(
              difference(back, b),
              ref(
                x.shape,
                x.data.map((v) => v * Math.max(1, length(l))),
              ),
              `${upper} ${transpose} [${shape}]`,
            );
          }
      }
      const indefinite = await read(
        ops.cholesky(
          tensor(
            [
              [1, 2],
              [2, 1],
            ],
            { device: ctx.device },
          ),
        ),
      );
      expect(Array.from(indefinite.data)).toEqual([1, 0, 2, NaN]);
      const unit = ops.solveTriangular(
        tensor(
          [
            [7, 9],
            [2, 7],
          ],
          { device: ctx.device },
        ),
        tensor([[1], [1]], { device: ctx.device }),
        { unit: true },
      );
      expect(await unit.array()).toEqual([[1], [-1]]);
      expect(() => ops.cholesky(ops.zeros([2, 3], { device: ctx.device }))).toThrow(/square matrices/);
      expect(() =>
        ops.solveTriangular(ops.zeros([2, 2], { device: ctx.device }), ops.zeros([3, 1], { device: ctx.device })),
      ).toThrow(/b \[\.\.\., 2, m\]/);
    }));

  it('lu, systems, inverses, determinants, powers', () =>
    scope(async () => {
      for (const shape of SQUARES) {
        const n = shape.at(-1)!;
        const a = random(shape, 3);
        const t = upload(a);
        const { lower, upper, permutation } = ops.lu(t);
        const [l, u, p] = await Promise.all([read(lower), read(upper), read(permutation)]);
        const rows = build(shape, (at) => get(a, [...at.slice(0, -2), get(p, at.slice(0, -1)), at.at(-1)!]));
        expectSmall(
          difference(product(l, u), rows),
          ref(
            shape,
            rows.data.map((v) => 4 * v),
          ),
          `lu [${shape}]`,
        );
        expect(l.data.every((value) => Math.abs(value) <= 1)).toBe(true);
        const b = random([...shape.slice(0, -1), 2], 4);
        const x = await read(ops.solve(t, upload(b)));
        expectSmall(
          difference(product(a, x), b),
          ref(
            x.shape,
            x.data.map((v) => v * 4 * length(a)),
          ),
          `solve [${shape}]`,
        );
        if (shape.length > 2 || n === 0) continue;
        const size = reference.det(a);
        if (n < 10) expectClose(await ops.det(t).data(), ref([], [size]), { rel: 1e-5, abs: 1e-6 });
        const { logabs, sign } = ops.slogdet(t);
        expectClose(await logabs.data(), ref([], [Math.log(Math.abs(size))]), { rel: 1e-4, abs: 1e-4 });
        expect(await sign.item()).toBe(Math.sign(size));
      }
      const a = tensor(
        [
          [2, 1],
          [1, 1],
        ],
        { device: ctx.device },
      );
      expect(await a.matrixPower(5).array()).toEqual([
        [89, 55],
        [55, 34],
      ]);
      expectClose(await a.matrixPower(-2).data(), ref([2, 2], [2, -3, -3, 5]), { rel: 1e-5, abs: 1e-5 });
      expect(await a.matrixPower(0).array()).toEqual([
        [1, 0],
        [0, 1],
      ]);
      expectClose(await a.solve(tensor([3, 2], { device: ctx.device })).data(), ref([2], [1, 1]), { rel: 1e-6, abs: 1e-6 });
      const singular = tensor(
        [
          [1, 2],
          [2, 4],
        ],
        { device: ctx.device },
      );
      const { logabs, sign } = singular.slogdet();
      // The sign of a zero is that of the order of rows.
      expect([(await singular.det().item()) + 0, await logabs.item(), (await sign.item()) + 0]).toEqual([0, -Infinity, 0]);
      expect((await read(singular.inverse())).data.some(Number.isFinite)).toBe(false);
    }));

  it('qr of every form', () =>
    scope(async () => {
      for (const shape of SHAPES) {
        const a = random(shape, 5);
        const { q, r } = ops.qr(upload(a));
        const [left, right] = [await read(q), await read(r)];
        expectSmall(difference(product(left, right), a), a, `qr [${shape}]`);
        expectOrthonormal(left, `qr [${shape}]`);
        expect(
          right.data.every((value, i) => i % shape.at(-1)! >= Math.floor(i / shape.at(-1)!) % right.shape.at(-2)! || value === 0),
        ).toBe(true);
      }
      const { q, r } = ops.qr(
        tensor(
          [
            [0, 1],
            [0, 1],
          ],
          { device: ctx.device },
        ),
      );
      expect(await ops.matmul(q, r).array()).toEqual([
        [0, 1],
        [0, 1],
      ]);
      // Squares of these would overflow or vanish.
      const large = ops.qr(tensor([[3e30], [4e30]], { device: ctx.device })).r;
      expectClose(await large.data(), ref([1, 1], [-5e30]), { rel: 1e-6, abs: 0 });
    }));

  it('eigenvalues and vectors of symmetric matrices', () =>
    scope(async () => {
      for (const shape of SQUARES) {
        const x = random(shape, 6);
        const a = ref(shape, Float32Array.from(build(shape, (at) => get(x, at) + get(swap(x), at)).data));
        const { values, vectors } = ops.eigh(upload(a));
        const [w, v] = [await read(values), await read(vectors)];
        expectSmall(difference(product(a, v), scaled(v, w)), a, `eigh [${shape}]`);
        expectOrthonormal(v, `eigh [${shape}]`);
        expect(w.data.every((value, i) => i % Math.max(1, shape.at(-1)!) === 0 || w.data[i - 1]! <= value)).toBe(true);
      }
      expect(
        await ops
          .eigh(
            tensor(
              [
                [2, 0],
                [0, 2],
              ],
              { device: ctx.device },
            ),
          )
          .values.array(),
      ).toEqual([2, 2]);
    }));

  it('eigenvalues and singular values whose squares leave f32', () =>
    scope(async () => {
      const [tiny, huge] = [1e-25, 1e25].map((unit) =>
        ops.tensor(
          [
            [2 * unit, unit],
            [unit, 2 * unit],
          ],
          { device: ctx.device },
        ),
      ) as [Tensor, Tensor];
      const both = ops.stack([tiny, huge]);
      expectClose(await both.eigh().values.data(), ref([2, 2], [1e-25, 3e-25, 1e25, 3e25]), { rel: 1e-6, abs: 0 });
      expectClose(await both.svd().s.data(), ref([2, 2], [3e-25, 1e-25, 3e25, 1e25]), { rel: 1e-6, abs: 0 });
    }));

  it('NaN anywhere leaves no number that looks right', () =>
    scope(async () => {
      const odd = ops.tensor(
        [
          [1, 2, NaN],
          [2, 5, 1],
          [NaN, 1, 7],
        ],
        { device: ctx.device },
      );
      const [{ values, vectors }, { u, s, v }, { q }] = [odd.eigh(), odd.svd(), odd.qr()];
      for (const part of [values, vectors, u, s, v, q, odd.det(), odd.inverse()])
        expect((await read(part)).data.every(Number.isNaN)).toBe(true);
    }));

  it('singular values and vectors, pseudo-inverses, least squares', () =>
    scope(async () => {
      for (const shape of SHAPES) {
        const a = random(shape, 7);
        const { u, s, v } = ops.svd(upload(a));
        const [left, values, right] = [await read(u), await read(s), await read(v)];
        expectSmall(difference(product(scaled(left, values), right, { transposeB: true }), a), a, `svd [${shape}]`);
        if (sizeOf(shape) > 0) {
          expectOrthonormal(left, `svd u [${shape}]`);
          expectOrthonormal(right, `svd v [${shape}]`);
        }
      }
      const a = random([7, 3], 8);
      const t = upload(a);
      const b = random([7, 2], 9);
      const normal = reference.solve(product(a, a, { transposeA: true }), product(a, b, { transposeA: true }));
      expectClose(await ops.lstsq(t, upload(b)).data(), normal, { rel: 1e-4, abs: 1e-5 });
      expectClose(await ops.matmul(ops.pinv(t), upload(b)).data(), normal, { rel: 1e-4, abs: 1e-5 });
      // Of rank 1: the pseudo-inverse is the transpose over the sum of squares.
      const thin = tensor(
        [
          [1, 2],
          [2, 4],
          [0, 0],
        ],
        { device: ctx.device },
      );
      expectClose(
        await thin.pinv().data(),
        ref(
          [2, 3],
          [1, 2, 0, 2, 4, 0].map((value) => value / 25),
        ),
        { rel: 1e-5, abs: 1e-6 },
      );
      expect((await read(thin.svd().s)).data[1]).toBeLessThan(1e-6);
      expect(() => ops.lstsq(ops.zeros([2, 3], { device: ctx.device }), ops.zeros([2], { device: ctx.device }))).toThrow(
        /more columns than rows/,
      );
    }));
});
