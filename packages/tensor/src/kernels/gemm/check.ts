/** Proves the subgroup matrix units of a device before they are used: drivers of an experimental feature have been wrong before. */
import type { Device } from '../../device.ts';
import type { DataArray } from '../../dtype.ts';
import { empty } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { upload } from '../upload.ts';
import { gemm } from './gemm.ts';
import { allowMatrix, forbidMatrix } from './matrix.ts';
import { matricesOf } from './problem.ts';

/** Largest relative difference (Frobenius norm) that summation order may cause at k = 128. */
const TOLERANCE = 1e-4;
const SIZE = { m: 64, n: 64, k: 128 } as const;

/**
 * Compares the subgroup matrix variant with the plain one on a small product and allows it on `device` if they agree; until then it is
 * never chosen. Call it once after opening a device that should use its matrix units.
 * @returns whether the variant is allowed now; false too where the adapter offers no configuration with f32 sums
 */
export async function checkMatrix(device: Device): Promise<boolean> {
  const config = device.adapter.subgroupMatrix.find(({ resultComponentType }) => resultComponentType === 'f32');
  const dtype = config?.componentType;
  if (dtype !== 'f16' && dtype !== 'f32') return false;
  const values = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => ((i * 37) % 64) / 32 - 1);
  using a = upload(device, [SIZE.m, SIZE.k], dtype, values(SIZE.m * SIZE.k));
  using b = upload(device, [SIZE.k, SIZE.n], dtype, values(SIZE.k * SIZE.n));
  const expected = await product('plain', a, b);
  allowMatrix(device);
  try {
    if (relativeError(await product('matrix', a, b), expected) <= TOLERANCE) return true;
  } catch {
    device.clearError(); // a refused shader counts as "not offered": the other variants serve
  }
  forbidMatrix(device);
  return false;
}

async function product(variant: string, a: Tensor, b: Tensor): Promise<DataArray> {
  const { device } = a;
  using _ = device.tuner.force('gemm', variant);
  using c = empty(device, [SIZE.m, SIZE.n]);
  gemm({ ...SIZE, batch: [], a: matricesOf(a), b: matricesOf(b), c: matricesOf(c), epilogue: {} });
  return await c.data();
}

function relativeError(actual: DataArray, expected: DataArray): number {
  let [gap, norm] = [0, 0];
  expected.forEach((value, i) => {
    gap += ((actual[i] ?? Number.NaN) - value) ** 2;
    norm += value ** 2;
  });
  return Math.sqrt(gap / norm);
}
