/** Correctness checks of experimental variants on a device before they are used there: drivers of such features have been wrong before. */
import type { Device } from '../../device.ts';
import type { DataArray } from '../../dtype.ts';
import { DeviceError } from '../../errors.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { upload } from '../upload.ts';
import { gemm } from './gemm.ts';
import { matricesOf, type Operand, type Product } from './problem/problem.ts';
import { setProven, traitsOf } from './problem/traits.ts';
import { MATRIX_VARIANTS } from './variants/matrix.ts';
import { plain } from './variants/plain.ts';
import { addVariant, type GemmVariant, type NumericGate } from './variants/index.ts';
import { relativeError } from '../relative-error.ts';

/**
 * Compares the subgroup matrix variants with the plain one on small products and allows those on `device` that agree; until then none is ever chosen.
 * Call it once after opening a device that should use its matrix units.
 * @returns whether one is allowed now; false too where the adapter offers no configuration with f32 sums
 */
export async function checkMatrix(device: Device): Promise<boolean> {
  let allowed = 0;
  for (const variant of MATRIX_VARIANTS) if (await prove(device, variant)) allowed += 1;
  return allowed > 0;
}

/** Puts those matrix variants through their gates that the measured choices of `device` name: where nobody measured, opening a device compiles none. */
export async function proveChosen(device: Device): Promise<void> {
  const chosen = new Set(Object.values(device.tuner.export()['gemm'] ?? {}));
  for (const variant of MATRIX_VARIANTS) if (chosen.has(variant.name)) await prove(device, variant);
}

/** Puts `variant` through its numeric gate on `device`. @returns whether it may run there; a variant without a gate may */
export async function prove(device: Device, variant: GemmVariant): Promise<boolean> {
  const { provenBy: gate, name } = variant;
  if (!gate) return true;
  addVariant(variant);
  setProven(device, name, false);
  const dtypes = [...new Set(gate.dtypes(traitsOf(device)))];
  let agreed = 0;
  for (const dtype of dtypes) {
    for (const layout of gate.layouts) {
      using a = sample(device, dtype, layout === 'NT' ? [gate.m, gate.k] : [gate.k, gate.m]);
      using b = sample(device, dtype, layout === 'NT' ? [gate.n, gate.k] : [gate.k, gate.n]);
      const [left, right] = [matricesOf(a, layout === 'TN'), matricesOf(b, layout === 'NT')];
      if (!(await agrees(variant, gate, left, right))) return false;
      agreed += 1;
    }
  }
  setProven(device, name, agreed > 0);
  return agreed > 0;
}

async function agrees(variant: GemmVariant, gate: NumericGate, a: Operand, b: Operand): Promise<boolean> {
  const { device } = a.tensor;
  const compute = async (name: string): Promise<DataArray> => {
    using c = empty(device, [gate.m, gate.n]);
    using _ = device.tuner.force('gemm', name);
    gemm(sampleProduct(gate, a, b, c));
    return await c.data();
  };
  if (!variant.runsOn(traitsOf(device), sampleProduct(gate, a, b, a.tensor))) return false;
  const expected = await compute(plain.name);
  setProven(device, variant.name, true);
  try {
    return relativeError(await compute(variant.name), expected) <= gate.tolerance;
  } catch (error) {
    if (!(error instanceof DeviceError)) throw error;
    device.clearError(); // a refused shader counts as "not offered": the other variants serve
    return false;
  } finally {
    setProven(device, variant.name, false);
  }
}

function sampleProduct({ m, n, k }: NumericGate, a: Operand, b: Operand, c: Tensor): Product {
  return { batch: [], m, n, k, a, b, c: matricesOf(c), epilogue: {} };
}

function sample(device: Device, dtype: 'f16' | 'f32', shape: readonly [number, number]): Tensor {
  const values = Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => ((i * 37) % 64) / 32 - 1);
  return upload(device, shape, dtype, values);
}
