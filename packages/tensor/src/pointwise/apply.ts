/** Calls of pointwise operations: checks and promotion of operands, dtypes and shapes. */
import type { Device } from '../device.ts';
import type { DType } from '../dtype.ts';
import { ShapeError, TensorError } from '../errors.ts';
import { broadcastShapes, type Shape } from '../shape.ts';
import { empty, expectOneDevice } from '../definition/views.ts';
import { Tensor } from '../tensor.ts';
import { type ComputeType, evaluate, type Operand, type OperandName } from './evaluate.ts';
import type { PointwiseRow } from './row.ts';
import { settleTypes } from './types.ts';

/** Letters of the operands of a row, in order. */
const OPERAND_NAMES: readonly OperandName[] = ['x', 'y', 'z', 'w'];

/** The operands of a call with the defaults of the row filled in. @throws TensorError when one is missing or there are too many */
export function completeOperands(name: string, row: PointwiseRow, given: readonly (Operand | undefined)[]): Operand[] {
  const { operands, defaults = [] } = row;
  if (given.length > operands.length)
    throw new TensorError(name, `${given.length} operands are given`, `it takes ${operands.join(', ')}`);
  return operands.map((operand, index) => {
    const value = given[index] ?? defaults[index - operands.length + defaults.length];
    if (value === undefined) throw new TensorError(name, `operand ${operand} is missing`, `give ${operands.join(', ')}`);
    return value;
  });
}

/** Applies the operation `name` of a row of the table. */
export function applyPointwise(name: string, row: PointwiseRow, given: readonly (Operand | undefined)[]): Tensor {
  const complete = completeOperands(name, row, given);
  const { device, shape } = settleShape(name, complete);
  const comparison = row.compare?.(name, complete, shape);
  if (comparison instanceof Tensor) return comparison;
  const operands = comparison?.operands ?? row.settleNumbers?.(complete) ?? complete;
  const { compute, dtype } = comparison ? { ...comparison, dtype: 'bool' as const } : settleTypes(name, row, operands);
  const result = empty(device, shape, dtype);
  evaluate(device, {
    name,
    expression: comparison?.expression ?? expressionOf(row, compute, dtype),
    library: row.library,
    isPredicate: row.isBool ?? false,
    compute,
    operands: nameOperands(operands),
    result,
  });
  return result;
}

function expressionOf({ forward, integer = forward, bool }: PointwiseRow, compute: ComputeType, dtype: DType): string {
  if (dtype === 'bool' && bool !== undefined) return bool;
  return compute === 'f32' ? forward : integer;
}

/** Operands under the letters that expressions use; undefined ones are left out. */
export function nameOperands(operands: readonly (Operand | undefined)[]): Partial<Record<OperandName, Operand>> {
  return Object.fromEntries(
    operands.flatMap((operand, index) => (operand === undefined ? [] : [[OPERAND_NAMES[index], operand]])),
  );
}

function settleShape(name: string, operands: readonly Operand[]): { device: Device; shape: Shape } {
  let shape: Shape = [];
  let first: Tensor | undefined;
  for (const operand of operands) {
    if (typeof operand === 'number') continue;
    operand.expectLive(name);
    first ??= operand;
    expectOneDevice(name, first, operand);
    shape = broadcastShapes(name, shape, operand.shape);
  }
  if (!first) throw new ShapeError(name, 'all operands are numbers', 'make one of them a tensor, or use Math');
  return { device: first.device, shape };
}
