/** The frozen CLIP in a released checkpoint against the base model: prompts mean nothing on another one. */
import { type Clip, type TensorFile, weightsOf } from '@mudpt/clip';
import { float16ToFloat32, InputError, toFloat32 } from '@mudpt/tensor';

/** A weight in the file, and OpenAI's name of it. */
export interface FrozenTensor {
  readonly given: string;
  readonly weight: string;
}

/** Tolerance relative to the largest value: PromptSRC saves a weighted sum of as many half-precision copies as there were epochs. */
const TOLERANCE = 0.02;

/**
 * Compares the vectors (biases, norms, the class embedding): a few numbers of every block, which no two models share. Matrices, 99 % of the
 * file, are compared by their shapes alone, by the caller.
 * @throws InputError naming the first that differs, and by how much
 */
export async function expectSameModel(file: TensorFile, frozen: readonly FrozenTensor[], clip: Clip): Promise<void> {
  const model = weightsOf(clip);
  for (const { given, weight } of frozen) {
    if ((file.tensors.get(given)?.shape ?? []).length > 1) continue;
    const { dtype, bytes } = await file.read(given);
    const found = toFloat32(dtype, bytes);
    const wanted = await model.read(weight);
    const values = wanted.dtype === 'f16' ? float16ToFloat32(wanted.data) : wanted.data;
    let [largest, difference] = [0, 0];
    for (const [index, value] of values.entries()) {
      largest = Math.max(largest, Math.abs(value));
      const apart = Math.abs(value - (found[index] ?? 0));
      // NaN counts as an infinite difference.
      difference = Math.max(difference, Number.isNaN(apart) ? Number.POSITIVE_INFINITY : apart);
    }
    if (difference <= TOLERANCE * largest) continue;
    throw new InputError(
      'import',
      `${given} differs from ${weight} of the base model by up to ${difference.toPrecision(3)}, where values reach ${largest.toPrecision(3)}: it was learnt on another model`,
      'give the base model it was learnt on with --model',
    );
  }
}
