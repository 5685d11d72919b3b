/** Weights whose numbers are all finite, in the file and as they are stored on the device. */
import { FormatError, InputError } from '@mudpt/tensor';
import type { HostTensor, WeightDType } from '../weight-shapes.ts';

/** From here on an f32 rounds to an infinite f16. */
const F16_LIMIT = 65520;

/**
 * Checks a weight that is about to be stored as `dtype`.
 * @throws FormatError naming the weight and the first number that is NaN or infinite, InputError where it would be so as the f16 asked for
 */
export function expectFiniteWeight(file: string, name: string, weight: HostTensor, dtype: WeightDType): void {
  const at =
    weight.dtype === 'f16' ? firstSpecialHalf(weight.data) : firstBeyond(weight.data, dtype === 'f16' ? F16_LIMIT : Infinity);
  if (at < 0) return;
  const isTooLarge = weight.dtype === 'f32' && Number.isFinite(weight.data[at]);
  const found = weight.dtype === 'f16' ? 'NaN or infinite' : String(weight.data[at]);
  const problem = `${file}: number ${at} of ${name} is ${found}`;
  if (isTooLarge) throw new InputError('loadClip', `${problem}, which f16 cannot hold`, "load the model with dtype: 'f32'");
  throw new FormatError('loadClip', problem, 'the weights are damaged: fetch the file again', {
    code: 'model.notFinite',
    values: { file, name },
  });
}

/** The exponent of NaN and infinities is all ones. */
function firstSpecialHalf(data: Uint16Array): number {
  for (let i = 0; i < data.length; i++) if (((data[i] as number) & 0x7c00) === 0x7c00) return i;
  return -1;
}

/** NaN compares as false, so it is caught by what it is not. */
function firstBeyond(data: Float32Array, limit: number): number {
  for (let i = 0; i < data.length; i++) if (!(Math.abs(data[i] as number) < limit)) return i;
  return -1;
}
