/** One door for all formats of CLIP weights: finds the file, tells the container and the naming, and the sizes of the model. */
import { byteSource, InputError, LimitError } from '@mudpt/tensor';
import { printable } from '../printable.ts';
import { checkConfig, type ClipConfig } from '../config.ts';
import type { TowerName } from '../weight-shapes.ts';
import { openTensorFile, readJson } from './formats/container.ts';
import { chooseWeights, locate, type ModelInput } from './files/files.ts';
import type { Files } from './files/located.ts';
import { inferConfig } from './names/infer.ts';
import { findNaming, type Naming } from './names/naming.ts';
import { fromOpenClip, OPEN_CLIP_CONFIG } from './names/open-clip-config.ts';
import { fromTransformers } from './names/transformers-config.ts';
import { weightSource, type WeightSource } from './source.ts';
import type { TensorFile } from './formats/tensor-file.ts';

/** Which weights of a file or folder are read. */
export type OpenWeightsOptions = {
  /** Which towers' weights. Default: those the file has. */
  readonly towers?: readonly TowerName[] | undefined;
  /** The model's sizes, where no configuration lies beside the weights or another is meant. */
  readonly config?: ClipConfig | undefined;
  /** Tensors that belong to no CLIP. Default: an error that lists them. */
  readonly onExtra?: 'error' | 'ignore' | undefined;
  /** Called with a sentence about what had to be assumed. Default: `console.warn`. */
  readonly onWarning?: ((warning: string) => void) | undefined;
};

const OP = 'openWeights';

/**
 * Opens CLIP weights: a Hugging Face folder (config.json with model.safetensors, shards and their index, or pytorch_model.bin), an
 * open_clip folder (open_clip_config.json), a safetensors file, or a `.pt` archive of PyTorch 1.6 and later (TorchScript, a state dict, a
 * training checkpoint). Where no configuration lies beside names of OpenAI's, the sizes are told by the shapes, and heads of 64 channels
 * and quick_gelu are taken, as in OpenAI's models; a warning says so unless it is OpenAI's own archive.
 * @throws InputError for a path, a folder or an option that cannot be, FormatError naming the file and what is wrong with it
 */
export async function openWeights(input: ModelInput, options: OpenWeightsOptions = {}): Promise<WeightSource> {
  const located = await locate(input);
  if (!located) throw new InputError(OP, `there is no file or folder ${JSON.stringify(String(input))}`, 'check the path');
  return openLocated(located.files, located.chosen ?? chooseWeights(located.files), options);
}

/** Opens the file `chosen`; what else it needs is taken from `files`. */
export async function openLocated(files: Files, chosen: string, options: OpenWeightsOptions): Promise<WeightSource> {
  const file = await openTensorFile(await byteSource(await files.open(chosen)), (shard) => files.open(shard));
  try {
    checkMemory(file);
    const naming = findNaming(new Set(file.tensors.keys()), file.name);
    const config = options.config ? checkConfig(options.config, OP) : await findConfig(files, file, naming, options);
    const towers = options.towers ?? naming.towers;
    const absent = towers.filter((tower) => !naming.towers.includes(tower));
    if (absent.length > 0 || towers.length === 0) {
      const asked = towers.length === 0 ? 'no tower is asked for' : `it has no ${absent.join(' and no ')} tower`;
      throw new InputError(OP, `${file.name}: ${asked}`, `ask for what it has: ${naming.towers.join(', ')}`);
    }
    return weightSource(file, config, naming, { towers, onExtra: options.onExtra });
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function findConfig(files: Files, file: TensorFile, naming: Naming, options: OpenWeightsOptions): Promise<ClipConfig> {
  const has = (name: string) => files.names.includes(name);
  const json = async (name: string) => readJson(name, await files.open(name));
  if (naming.style === 'openai') {
    if (has(OPEN_CLIP_CONFIG)) return fromOpenClip(await json(OPEN_CLIP_CONFIG));
    const config = inferConfig(file.tensors, naming, file.name);
    if (!isOpenAiArchive(file)) (options.onWarning ?? console.warn)(activationWarning(file.name));
    return config;
  }
  if (has('config.json')) {
    const preprocessor = has('preprocessor_config.json') ? await json('preprocessor_config.json') : undefined;
    return fromTransformers(await json('config.json'), preprocessor);
  }
  throw new InputError(OP, `${file.name} has no config.json beside it`, 'fetch it too, or give the option config', {
    code: 'model.noConfig',
    values: { file: file.name },
  });
}

/** OpenAI's archives carry their sizes as numbers; state dicts of the same names, open_clip's among them, do not. */
function isOpenAiArchive({ tensors }: TensorFile): boolean {
  return ['input_resolution', 'context_length', 'vocab_size'].every((name) => tensors.has(name));
}

function activationWarning(name: string): string {
  return (
    `${printable(name)} does not say which activation its model was trained with: quick_gelu is taken, as in OpenAI's models, while most models ` +
    'that open_clip trained have gelu, with which every feature differs. Put open_clip_config.json beside it, or give the option config.'
  );
}

/** A tensor goes through one array; larger ones belong to no CLIP (ViT-L/14's token table has 0.15 GB). */
const MAX_TENSOR_BYTES = 2 ** 31;

function checkMemory(file: TensorFile): void {
  for (const [name, { shape }] of file.tensors) {
    const count = shape.reduce((product, extent) => product * extent, 1);
    if (4 * count > MAX_TENSOR_BYTES)
      throw new LimitError(
        OP,
        `${file.name}: ${name} of shape [${shape.join(', ')}] has ${count} numbers`,
        'give the weights of a CLIP',
      );
  }
}
