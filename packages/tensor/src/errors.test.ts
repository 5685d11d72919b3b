/** Errors of shapes carry them as data, by argument. */
import { expect, expectTypeOf, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { cat, copyInto, type NamedShapes, ones, scope, ShapeError } from './index.ts';
import { defineOp } from './kernels.ts';
import type { Tensor } from './tensor.ts';

/** The error of shapes that `body` throws. */
function shapeError(body: () => unknown): ShapeError {
  try {
    body();
  } catch (error) {
    if (error instanceof ShapeError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

eachDevice('shapes in errors', (ctx) => {
  it('are those of the tensors among the arguments: of operands, lists and options', () =>
    scope(() => {
      const of = (...shape: number[]): Tensor => ones(shape, { device: ctx.device });
      const cases: readonly (readonly [() => unknown, string, NamedShapes])[] = [
        [() => of(2, 3).matmul(of(4, 5)), 'matmul', { a: [2, 3], b: [4, 5] }],
        [() => of(2, 3).add(of(2, 4)), 'add', { x: [2, 3], y: [2, 4] }],
        [() => cat([of(2, 3), of(2), of(2, 3)]), 'cat', { 'tensors[0]': [2, 3], 'tensors[1]': [2], 'tensors[2]': [2, 3] }],
        [
          () => of(2, 3).linear(of(4, 3), undefined, { residual: of(5) }),
          'linear',
          { x: [2, 3], weight: [4, 3], 'options.residual': [5] },
        ],
        [() => of(2, 3).reshape([4]), 'reshape', { x: [2, 3] }],
        // Made of other ops, of which one throws in its name: the shapes are those that it was given.
        [() => of(2, 4, 3).groupNorm(2, of(3)), 'groupNorm', { x: [2, 4, 3], weight: [3] }],
        [() => copyInto(of(2), of(3)), 'copyInto', { target: [2], source: [3] }],
      ];
      for (const [body, op, shapes] of cases) {
        const error = shapeError(body);
        expect([error.op, error.shapes]).toEqual([op, shapes]);
      }
    }));

  it('are counted where an op has no names, and are none where no tensor takes part', () =>
    scope(() => {
      const pair = defineOp('pair', (x: Tensor, factor: number, y: Tensor): Tensor => {
        throw new ShapeError('pair', `${x.size} and ${y.size * factor} differ`, 'give others');
      });
      const x = ones([2, 2], { device: ctx.device });
      const error = shapeError(() => pair(x, 2, x));
      expect(error.shapes).toEqual({ 0: [2, 2], 2: [2, 2] });
      expect(error.message).toBe('pair: 4 and 8 differ. Give others.');
      expectTypeOf(error.shapes).toEqualTypeOf<Readonly<Record<string, readonly number[]>>>();
      expect(shapeError(() => ones([-1], { device: ctx.device })).shapes).toEqual({});
      expect(new ShapeError('x', 'y', 'z', { cause: 1 }).cause).toBe(1);
    }));
});
