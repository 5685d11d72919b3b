/** What the matrix functions share: checks of their arguments, and how many matrices a stack has. */
import { expectDType } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { expectOneDevice } from '../../definition/views.ts';
import { type Shape, showShape, sizeOf } from '../../shape.ts';
import type { Tensor } from '../../tensor.ts';

/** A stack of matrices: its leading axes, how many there are, rows and columns. */
type Stack = { readonly batch: Shape; readonly matrices: number; readonly rows: number; readonly columns: number };

/** @throws DTypeError unless f32, ShapeError unless [..., m, n] */
export function expectMatrices(op: string, name: string, x: Tensor): Stack {
  x.expectLive(op);
  expectDType(op, name, x.dtype, ['f32']);
  if (x.rank < 2) throw new ShapeError(op, `${name} has shape ${showShape(x.shape)}`, 'give matrices, [..., m, n]');
  const batch = x.shape.slice(0, -2);
  const [rows = 0, columns = 0] = x.shape.slice(-2);
  return { batch, matrices: sizeOf(batch), rows, columns };
}

/** @throws DTypeError unless f32, ShapeError unless [..., n, n] */
export function expectSquare(op: string, name: string, x: Tensor): Stack {
  const stack = expectMatrices(op, name, x);
  if (stack.rows !== stack.columns)
    throw new ShapeError(op, `${name} has shape ${showShape(x.shape)}`, 'give square matrices, [..., n, n]');
  return stack;
}

/** A right side [..., n, m] for square matrices of n rows. @throws ShapeError, DTypeError, DeviceError */
export function expectRightSide(op: string, a: Tensor, b: Tensor, rows: number): Stack {
  const stack = expectMatrices(op, 'b', b);
  expectOneDevice(op, a, b);
  if (stack.rows !== rows)
    throw new ShapeError(op, `a has shape ${showShape(a.shape)}, b ${showShape(b.shape)}`, `give b [..., ${rows}, m]`);
  return stack;
}
