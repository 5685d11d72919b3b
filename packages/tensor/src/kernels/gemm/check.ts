/** Correctness checks of experimental variants on a device before they are used there: drivers of such features have been wrong before. */
import type { Device } from '../../device.ts';
import type { DataArray } from '../../dtype.ts';
import { DeviceError } from '../../errors.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { upload } from '../upload.ts';
import { gemm } from './gemm.ts';
import { matricesOf, type Product } from './problem/problem.ts';
import { setProven, traitsOf } from './problem/traits.ts';
import { matrix } from './variants/matrix.ts';
import { plain } from './variants/plain.ts';
import { addVariant, type GemmVariant, type NumericGate } from './variants/index.ts';
import { relativeError } from '../relative-error.ts';

/**
 * Compares the subgroup matrix variant with the plain one on a small product and allows it on `device` if they agree; until then it is
 * never chosen. Call it once after opening a device that should use its matrix units.
 * @returns whether the variant is allowed now; false too where the adapter offers no configuration with f32 sums
 */
export async function checkMatrix(device: Device): Promise<boolean> {
  return await prove(device, matrix);
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
    using a = sample(device, dtype, [gate.m, gate.k]);
    using b = sample(device, dtype, [gate.k, gate.n]);
    if (!(await agrees(variant, gate, a, b))) return false;
    agreed += 1;
  }
  setProven(device, name, agreed > 0);
  return agreed > 0;
}

async function agrees(variant: GemmVariant, gate: NumericGate, a: Tensor, b: Tensor): Promise<boolean> {
  const { device } = a;
  const compute = async (name: string): Promise<DataArray> => {
    using c = empty(device, [gate.m, gate.n]);
    using _ = device.tuner.force('gemm', name);
    gemm(sampleProduct(gate, a, b, c));
    return await c.data();
  };
  if (!variant.runsOn(traitsOf(device), sampleProduct(gate, a, b, a))) return false;
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

function sampleProduct({ m, n, k }: NumericGate, a: Tensor, b: Tensor, c: Tensor): Product {
  return { batch: [], m, n, k, a: matricesOf(a), b: matricesOf(b), c: matricesOf(c), epilogue: {} };
}

function sample(device: Device, dtype: 'f16' | 'f32', shape: readonly [number, number]): Tensor {
  const values = Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => ((i * 37) % 64) / 32 - 1);
  return upload(device, shape, dtype, values);
}
