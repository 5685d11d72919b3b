/** Released checkpoints: their shapes, and their values copied into a method. */
import { type Clip, openCheckpoint, type TensorFile } from '@mudpt/clip';
import { copyInto, InputError, type Tensor, tensor, toFloat32 } from '@mudpt/tensor';
import { someOf } from '../data/dataset.ts';
import { expectFinite } from '../evaluation/finite.ts';
import type { Method } from '../methods/index.ts';
import { expectSameModel, type FrozenTensor } from './frozen.ts';
import { identifyCheckpoint } from './locate.ts';
import { fullNames, roleOf } from './names.ts';
import { describeImported, type Imported } from './record.ts';
import type { Shapes } from './settings.ts';

/** The shapes in a checkpoint, from which a run's settings follow. @throws FormatError where the file is not a checkpoint */
export async function readShapes(path: string): Promise<Shapes> {
  const file = await openCheckpoint(path);
  try {
    return new Map([...fullNames(file.tensors.keys())].map(([name, given]) => [name, file.tensors.get(given)?.shape ?? []]));
  } finally {
    await file.close();
  }
}

/** One learnt tensor, and its place in the file. */
type Found = { readonly target: Tensor; readonly given: string };

/**
 * Copies a checkpoint's learnt values into a method of its settings, after everything in the file has been told apart: tensors that the
 * authors' loaders drop are passed over, CLIP's weights are compared with the base model's, what is left must be the method's, all of it.
 * @throws InputError naming each tensor that is missing, of another shape (the one found and the one wanted) or unknown, or for another
 *   file than the one recorded; NotFiniteError
 */
export async function loadImported(method: Method, clip: Clip, imported: Imported): Promise<void> {
  const { sha256 } = await identifyCheckpoint(imported.file);
  if (sha256 !== imported.sha256)
    throw new InputError(
      'import',
      `the run was imported from ${describeImported(imported)}, and the file has the SHA-256 ${sha256} now`,
      'put the file back, or import the other one into a new run',
    );
  const file = await openCheckpoint(imported.file);
  try {
    const { learnt, frozen } = tellApart(file, method, clip);
    await expectSameModel(file, frozen, clip);
    for (const { target, given } of learnt) {
      if (target.size === 0) continue;
      const { dtype, bytes } = await file.read(given);
      using values = tensor(toFloat32(dtype, bytes), { shape: target.shape, device: clip.device });
      copyInto(target, values);
    }
    await expectFinite('import', imported.file, method.learnable, clip.device, 'the file is damaged: fetch it again');
  } finally {
    await file.close();
  }
}

function tellApart(file: TensorFile, method: Method, clip: Clip): { learnt: Found[]; frozen: FrozenTensor[] } {
  const names = fullNames(file.tensors.keys());
  const weights = new Map([...clip.weights()].map(([name, { shape }]) => [name, shape]));
  const problems: string[] = [];
  const learnt: Found[] = [];
  const fit = (given: string, wanted: readonly number[]): boolean => {
    const found = file.tensors.get(given)?.shape ?? [];
    if (found.join() === wanted.join()) return true;
    problems.push(`${given} has the shape [${found.join(', ')}], and [${wanted.join(', ')}] is wanted`);
    return false;
  };
  for (const [name, target] of method.learnable) {
    const given = names.get(name);
    if (given === undefined) problems.push(`${name} of shape [${target.shape.join(', ')}] is missing`);
    else if (fit(given, target.shape)) learnt.push({ target, given });
  }
  const frozen: FrozenTensor[] = [];
  for (const [name, given] of names) {
    if (method.learnable.has(name)) continue;
    const role = roleOf(name, (openai) => weights.has(openai));
    if (role.kind === 'learnt') problems.push(`${given} belongs neither to ${method.name} nor to CLIP`);
    if (role.kind === 'frozen' && fit(given, weights.get(role.weight) ?? [])) frozen.push({ given, weight: role.weight });
  }
  if (problems.length > 0)
    throw new InputError(
      'import',
      `${file.name} does not fit ${method.name} on this base model: ${someOf(problems, 8)}`,
      'name the method it is of with --method, its base model with --model, and for a context a class the data set and --classes it is of',
    );
  return { learnt, frozen };
}
