import { expect, it } from 'vitest';
import { permute } from '@mudpt/testing/reference/array';
import { expectClose } from '@mudpt/testing/reference/compare';
import { random } from '@mudpt/testing/reference/inputs';
import * as oracle from '@mudpt/testing/reference/matmul';
import { eachDevice } from '@mudpt/testing/support';
import { toDevice, viewOf } from '@mudpt/testing/views';
import { einsum, tensor } from '../../index.ts';
import { contractionPath } from '../../kernels/einsum/path.ts';

const close = { rel: 1e-5, abs: 2e-5 };

/** Equation and the shapes of both operands. */
const CASES: readonly (readonly [string, readonly number[], readonly number[]])[] = [
  ['ij,jk->ik', [5, 7], [7, 3]],
  ['ij,jk->ki', [5, 7], [7, 3]],
  ['ij,jk', [5, 7], [7, 3]],
  ['i,j->ij', [5], [7]],
  ['i,i->', [9], [9]],
  ['i,i->i', [9], [9]],
  ['ij,ij->ij', [5, 7], [5, 7]],
  ['bqhd,bkhd->bhqk', [2, 5, 3, 8], [2, 6, 3, 8]],
  ['bhqk,bkhd->bqhd', [2, 3, 5, 6], [2, 6, 3, 8]],
  ['bthd,hde->bte', [2, 5, 3, 4], [3, 4, 7]],
  ['bthd,edh->bte', [2, 5, 3, 4], [7, 4, 3]],
  ['abcd,cbef->adfe', [2, 3, 4, 5], [4, 3, 2, 3]],
  ['ijk,k->j', [3, 4, 5], [5]],
  ['ij,k->k', [3, 4], [5]],
  ['ij,kl->', [3, 4], [5, 2]],
  ['ii,i->i', [4, 4], [4]],
  ['ii,jj->ij', [4, 4], [3, 3]],
  ['...ij,...jk->...ik', [2, 3, 4, 5], [3, 5, 6]],
  ['...i,i', [2, 3, 5], [5]],
  ['b...c,bc->b...', [2, 3, 4, 5], [2, 5]],
  ['ij,jk->ik', [5, 1], [7, 3]],
  ['bij,bjk->bik', [1, 4, 5], [3, 5, 2]],
  ['ij,jk->ik', [0, 7], [7, 3]],
  ['ij,jk->ik', [5, 0], [0, 3]],
  ['ij,k->k', [0, 4], [5]],
];

eachDevice('einsum', (ctx) => {
  it.each(CASES)('%s of [%s] and [%s]', async (equation, shapeA, shapeB) => {
    const [a, b] = [random(shapeA, 1), random(shapeB, 2)];
    using x = toDevice(ctx.device, a);
    using y = toDevice(ctx.device, b);
    using result = einsum(equation, x, y);
    expectClose({ shape: result.shape, data: await result.data() }, oracle.einsum(equation, a, b), close);
    expect(result.isContiguous).toBe(true);
  });

  const MANY: readonly (readonly [equation: string, shapes: readonly (readonly number[])[]])[] = [
    ['ij->ji', [[3, 4]]],
    ['ij->', [[3, 4]]],
    ['ijk->ki', [[2, 3, 4]]],
    ['ii->i', [[3, 3]]],
    ['iij->j', [[3, 3, 4]]],
    ['ii', [[3, 3]]],
    ['...i->...', [[2, 3, 4]]],
    [
      'ij,jk,kl->il',
      [
        [2, 3],
        [3, 4],
        [4, 5],
      ],
    ],
    ['i,i,i->i', [[4], [4], [1]]],
    ['ij,j,k', [[2, 3], [3], [2]]],
    [
      '...i,ij,...j->...',
      [
        [2, 3],
        [3, 4],
        [2, 4],
      ],
    ],
    [
      'ab,bc,cd,de->ae',
      [
        [2, 3],
        [3, 4],
        [4, 2],
        [2, 3],
      ],
    ],
    ['a,ab,b,bc,c,d->d', [[2], [2, 3], [3], [3, 2], [2], [3]]],
  ];
  it.each(MANY)('%s, one operand or many', async (equation, shapes) => {
    const operands = shapes.map((shape, at) => random(shape, at));
    const tensors = operands.map((x) => toDevice(ctx.device, x));
    using result = einsum(equation, ...tensors);
    expectClose({ shape: result.shape, data: await result.data() }, oracle.einsum(equation, ...operands), close);
    for (const x of tensors) x.dispose();
  });

  it('contracts in the order of fewest multiplications', () => {
    const extents = new Map(Object.entries({ a: 2, b: 30, c: 40, d: 5 }));
    const path = contractionPath(
      [
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'd'],
      ],
      ['a', 'd'],
      extents,
    );
    expect(path.map(({ first, second, labels }) => [first, second, labels.join('')])).toEqual([
      [0, 1, 'ac'],
      [0, 1, 'da'],
    ]);
  });

  it('reads strided operands in place: one dispatch, no copies', async () => {
    const [a, b] = [random([2, 3, 5, 8], 3), random([2, 6, 3, 8], 4)];
    using x = viewOf(ctx.device, a, {
      name: '',
      base: a.shape,
      steps: [{ op: 'permute', order: [0, 2, 1, 3] }],
      shape: [2, 5, 3, 8],
    });
    using y = toDevice(ctx.device, b);
    const before = ctx.device.counters().dispatches;
    using scores = einsum('bqhd,bkhd->bhqk', x, y);
    expectClose(await scores.data(), oracle.einsum('bqhd,bkhd->bhqk', permute(a, [0, 2, 1, 3]), b), close);
    expect(ctx.device.counters().dispatches - before).toBe(1);
  });

  it('refuses equations that do not fit', () => {
    using a = tensor(new Float32Array(6), { device: ctx.device, shape: [2, 3] });
    using i = tensor([1, 2], { device: ctx.device, dtype: 'i32' });
    expect(() => einsum('ij', a, a)).toThrow(/no equation of two operands/);
    expect(() => einsum('ij,jk', a)).toThrow(/no equation of one operand/);
    expect(() => einsum('ij,ij,ij->k', a, a, a)).toThrow(/"k" of the result.*no operand/);
    expect(() => einsum('ij->i')).toThrow(/operands is missing/);
    expect(() => einsum('ij,ij,ij', a, a, 3 as never)).toThrow(/operands is a? ?number 3, not a tensor/);
    expect(() => einsum('ij,jk->i->k', a, a)).toThrow(/no equation of two operands/);
    expect(() => einsum('i1,jk->ik', a, a)).toThrow(/no equation of two operands/);
    expect(() => einsum('ijk,jk->ik', a, a)).toThrow(/names 3 axes of the first operand, which has 2/);
    expect(() => einsum('ij,jk->iz', a, a)).toThrow(/"z" of the result.*neither operand/);
    expect(() => einsum('ij,ik->ii', a, a)).toThrow(/"i" occurs twice/);
    expect(() => einsum('ij,jk->ik', a, a)).toThrow(/label "j".*3 long and 2 long/);
    expect(() => einsum('...j,jk->k', a, a)).toThrow(/"\.\.\."/);
    expect(() => einsum('i,j->ij', i, a)).toThrow(/dtype i32/);
  });
});
