import { describe, expect, it } from 'vitest';
import { batchPairs, matmulSizes } from '../shapes.ts';
import { expand, get, iota, permute, ref, transpose, zeros } from './array.ts';
import { expectClose } from './compare.ts';
import { random } from './inputs.ts';
import { einsum, matmul } from './matmul.ts';
import { sum } from './reduce.ts';

const exact = { rel: 1e-13, abs: 1e-13 };

describe('matmul', () => {
  it('multiplies a known pair', () => {
    expect(matmul(iota([2, 3]), iota([3, 2]))).toEqual(ref([2, 2], [10, 13, 28, 40]));
  });

  it.each(matmulSizes)('agrees with einsum in all four transposes: %d %d %d', (m, k, n) => {
    const a = random([m, k], 1);
    const b = random([k, n], 2);
    const expected = einsum('ij,jk->ik', a, b);
    expectClose(matmul(a, b), expected, exact);
    expectClose(matmul(transpose(a), b, { transposeA: true }), expected, exact);
    expectClose(matmul(a, transpose(b), { transposeB: true }), expected, exact);
    expectClose(matmul(transpose(a), transpose(b), { transposeA: true, transposeB: true }), expected, exact);
  });

  it.each(batchPairs)('broadcasts batch axes [%s] and [%s]', (batchA, batchB) => {
    const a = random([...batchA, 3, 5], 3);
    const b = random([...batchB, 5, 2], 4);
    expectClose(matmul(a, b), einsum('...ij,...jk->...ik', a, b), exact);
  });

  it('refuses what does not fit', () => {
    expect(() => matmul(zeros([2, 3]), zeros([4, 2]))).toThrow('inner extents');
    expect(() => matmul(zeros([3]), zeros([3, 2]))).toThrow('rank 2');
  });
});

describe('einsum', () => {
  it('contracts, takes diagonals, sums out, transposes and broadcasts', () => {
    const a = random([3, 3], 5);
    const b = random([3], 6);
    const diagonal = ref(
      [3],
      [0, 1, 2].map((i) => get(a, [i, i]) * b.data[i]!),
    );
    expectClose(einsum('ii,i->i', a, b), diagonal, exact);
    expectClose(
      einsum('ij,k->k', a, b),
      ref(
        [3],
        b.data.map((value) => value * sum(a).data[0]!),
      ),
      exact,
    );
    expectClose(einsum('ij,jk', a, a), matmul(a, a), exact);
    expectClose(einsum('ij,jk->ki', a, a), transpose(matmul(a, a)), exact);
    expectClose(
      einsum('ij,jk', expand(ref([1, 1], [2]), [3, 1]), a),
      einsum('ij,jk', expand(ref([1, 1], [2]), [3, 3]), a),
      exact,
    );
    const q = random([2, 4, 3, 5], 7);
    const k = random([2, 6, 3, 5], 8);
    expectClose(
      einsum('bthd,bshd->bhts', q, k),
      matmul(permute(q, [0, 2, 1, 3]), permute(k, [0, 2, 1, 3]), { transposeB: true }),
      exact,
    );
    expect(() => einsum('ij,jk->iz', a, a)).toThrow('in no operand');
    expect(() => einsum('ij,jk->ik', a, b)).toThrow('does not name');
  });
});
