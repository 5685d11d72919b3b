/** Runs a row of the pointwise table: operands, dtypes and shapes are checked and settled here. */
import type { Device } from '../device/device.ts';
import type { DType } from '../dtype.ts';
import { isFloat, promote } from '../dtype.ts';
import { DTypeError, ShapeError, TensorError } from '../errors.ts';
import { broadcastShapes, type Shape } from '../shape.ts';
import { empty, expectOneDevice, type Tensor } from '../tensor.ts';
import { type ComputeType, evaluate, type Operand, type OperandName } from './pointwise.evaluate.ts';
import { type PointwiseName, type PointwiseRow, pointwiseTable } from './pointwise.table.ts';

/** Letters of the operands of a row, in order. */
const OPERAND_NAMES: readonly OperandName[] = ['x', 'y', 'z', 'w'];

/** The operands of a call with the defaults of the row filled in. @throws TensorError when one is missing or there are too many */
export function completeOperands(name: PointwiseName, given: readonly (Operand | undefined)[]): Operand[] {
  const { operands, defaults = [] } = pointwiseTable[name];
  if (given.length > operands.length)
    throw new TensorError(name, `${given.length} operands are given`, `it takes ${operands.join(', ')}`);
  return operands.map((operand, index) => {
    const value = given[index] ?? defaults[index - operands.length + defaults.length];
    if (value === undefined) throw new TensorError(name, `operand ${operand} is missing`, `give ${operands.join(', ')}`);
    return value;
  });
}

/** Applies an operation of the table. */
export function applyPointwise(name: PointwiseName, given: readonly (Operand | undefined)[]): Tensor {
  const row: PointwiseRow = pointwiseTable[name];
  const operands = completeOperands(name, given);
  const { device, shape } = settleShape(name, operands);
  const { compute, dtype } = settleTypes(name, row, operands);
  const result = empty(device, shape, dtype);
  evaluate(device, {
    name,
    expression: compute === 'f32' ? row.forward : (row.integer ?? row.forward),
    isPredicate: row.isBool ?? false,
    compute,
    operands: nameOperands(operands.map((operand) => saturate(compute, operand))),
    result,
  });
  return result;
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

/**
 * Tensors are promoted by bool < u32 < i32 < f16 < f32. A number takes the type of the tensors if it fits, else it is f32. Arithmetic on
 * bools gives i32. Infinity leaves integers as they are. Operations without an integer form give f32.
 */
function settleTypes(name: string, row: PointwiseRow, operands: readonly Operand[]): { compute: ComputeType; dtype: DType } {
  const values = row.isConditional ? operands.slice(1) : operands;
  if (row.isConditional) expectCondition(name, operands[0]);
  let common: DType | undefined;
  for (const value of values) {
    if (typeof value === 'number') continue;
    common = common === undefined ? value.dtype : promote(common, value.dtype);
  }
  const promoted = values.reduce<DType>(
    (dtype, value) => (typeof value === 'number' ? fitNumber(dtype, value) : dtype),
    common ?? 'f32',
  );
  if (row.isBool) {
    const compute = isFloat(promoted) ? 'f32' : promoted === 'i32' ? 'i32' : 'u32';
    return { compute, dtype: 'bool' };
  }
  if (isFloat(promoted)) return { compute: 'f32', dtype: promoted };
  if (row.integer === undefined) return { compute: 'f32', dtype: 'f32' };
  if (promoted === 'bool' && row.isConditional) return { compute: 'u32', dtype: 'bool' };
  return promoted === 'u32' ? { compute: 'u32', dtype: 'u32' } : { compute: 'i32', dtype: 'i32' };
}

function fitNumber(dtype: DType, value: number): DType {
  if (isFloat(dtype) || Math.abs(value) === Number.POSITIVE_INFINITY) return dtype;
  if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 32) return 'f32';
  if (dtype === 'bool') return value === 0 || value === 1 ? 'bool' : fitNumber('i32', value);
  if (dtype === 'u32') return value < 0 ? 'i32' : 'u32';
  return value < 2 ** 31 ? 'i32' : 'f32';
}

/** An infinite bound limits integers no more than their own largest values do. */
function saturate(compute: ComputeType, operand: Operand): Operand {
  if (typeof operand !== 'number' || compute === 'f32') return operand;
  const [low, high] = compute === 'i32' ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
  return Math.min(Math.max(operand, low), high);
}

function expectCondition(name: string, condition: Operand | undefined): void {
  if (typeof condition === 'object' && !isFloat(condition.dtype)) return;
  const what = typeof condition === 'object' ? `has dtype ${condition.dtype}` : 'is a number';
  throw new DTypeError(name, `the condition ${what}`, 'give a bool tensor, for instance x.gt(0)');
}
