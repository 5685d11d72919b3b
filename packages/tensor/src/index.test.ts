/** The entries: what each of them gives, so that nothing internal becomes public by accident. */
import { expect, it } from 'vitest';
import * as chainable from './chainable.ts';
import * as root from './index.ts';
import * as functions from './functions.ts';
import * as internal from './internal.ts';
import * as kernels from './kernels.ts';

/** Values of the root that are no methods of Tensor: a name added here is a promise to users. */
const FUNCTIONS_AND_CLASSES = `
  Device Tensor Plan Profile PackedSequences FileLock
  TensorError AllocationError CaptureError DeviceError DisposedError DTypeError FormatError InputError LimitError ShapeError
  scope keep eachTensor capture importBuffer exportBuffer sizeOf fromPixels toPixels toCanvas
  tensor tensorFromBytes empty zeros ones full arange eye linspace meshgrid zerosLike onesLike fullLike randLike randnLike alias contiguousCopy copyInto addInto
  rand randn randint randomWords randperm bernoulli
  randBeta randDirichlet randExponential randGamma randGumbel randLaplace randPoisson truncatedNormal
  fft ifft fft2 ifft2 rfft irfft stft hannWindow hammingWindow blackmanWindow
  compress maskedSelect nonzero unique uniqueAll
  cat stack einsum countCorrect attentionUnfused alibiMask ropeTable packedSequences packedSequencesOnDevice
  byteSource memorySource blobSource httpSource timedFetch REQUEST_SECONDS
  openSafetensors writeSafetensors serializeSafetensors serializeSealedSafetensors readSafetensorsIndex loadTensor tensorToWrite
  removeLeftovers writeFileAtomic
  bfloat16ToFloat32 float16ToFloat32 float32ToBfloat16 float32ToFloat16 toBigInt64 toFloat32 toInt32 toUint32
`;

const namesOf = (module: object): string[] => Object.keys(module).sort();

it('gives users the operations and what is listed, and no more', () => {
  const listed = FUNCTIONS_AND_CLASSES.split(/\s+/).filter(Boolean);
  expect(namesOf(root)).toEqual([...namesOf(chainable), ...listed].sort());
  expect(namesOf(functions)).toEqual(namesOf(root));
});

it('keeps what serves gradients, tapes and tuning out of the entries for users and for writers of kernels', () => {
  const isInternal = (name: string): boolean => /(Backward|Forward)|hook|tun(e|ing)|engine/i.test(name);
  expect(namesOf(root).filter(isInternal)).toEqual([]);
  expect(namesOf(kernels).filter(isInternal)).toEqual([]);
  const inside = new Set(namesOf(internal));
  expect([...namesOf(root), ...namesOf(kernels)].filter((name) => inside.has(name))).toEqual([]);
});
