/** Weights whose numbers can be computed with: finite in the file and as they are stored on the device, and in the range that the model needs. */
import { FormatError, InputError } from '@mudpt/tensor';
import { widen } from '../weight-box.ts';
import type { HostTensor, WeightDType } from '../weight-shapes.ts';
import type { WeightSource } from './source.ts';

/** From here on an f32 rounds to an infinite f16. */
const F16_LIMIT = 65520;

/** The logarithm of the largest f32: the factor of similarities is the exponential of what the file has. */
const LARGEST_EXPONENT = Math.log(3.4028234663852886e38);

/**
 * Checks a weight that is about to be stored as `dtype`.
 * @throws FormatError naming the tensor in the file and the first number that is NaN or infinite or cannot be what it stands for, InputError where it would be
 * infinite as the f16 asked for
 */
export function expectUsableWeight(
  source: Pick<WeightSource, 'name' | 'locate'>,
  name: string,
  weight: HostTensor,
  dtype: WeightDType,
): void {
  const at =
    weight.dtype === 'f16' ? firstSpecialHalf(weight.data) : firstBeyond(weight.data, dtype === 'f16' ? F16_LIMIT : Infinity);
  const told = (index: number, found: string): string => {
    const { tensor, index: there } = source.locate(name, index);
    return `${source.name}: number ${there} of ${tensor} is ${found}`;
  };
  if (at < 0) return expectInRange(name, weight, told);
  const isTooLarge = weight.dtype === 'f32' && Number.isFinite(weight.data[at]);
  const problem = told(at, weight.dtype === 'f16' ? 'NaN or infinite' : String(weight.data[at]));
  if (isTooLarge) throw new InputError('loadClip', `${problem}, which f16 cannot hold`, "load the model with dtype: 'f32'");
  throw new FormatError('loadClip', problem, 'the weights are damaged: fetch the file again', {
    code: 'model.notFinite',
    values: { file: source.name, name: source.locate(name, at).tensor },
  });
}

function expectInRange(name: string, weight: HostTensor, told: (index: number, found: string) => string): void {
  const isVariance = name.endsWith('.bn.running_var');
  if (!isVariance && name !== 'logit_scale') return;
  const values = weight.dtype === 'f16' ? widen(weight.data) : weight.data;
  const at = values.findIndex((value) => (isVariance ? value < 0 : value > LARGEST_EXPONENT));
  if (at < 0) return;
  const value = values[at] as number;
  throw isVariance
    ? new FormatError(
        'loadClip',
        `${told(at, String(value))}, and it is a variance`,
        'the weights are damaged: fetch the file again',
      )
    : new FormatError(
        'loadClip',
        `${told(at, String(value))}, whose exponential is infinite`,
        `store the logarithm of the factor${value === 100 ? ', 4.6052' : ''}`,
      );
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
