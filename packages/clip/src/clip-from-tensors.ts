/** CLIP models from weights by name. */
import { type Device, DTypeError, type FloatDType, InputError } from '@mudpt/tensor';
import { Clip } from './clip.ts';
import { checkConfig, type ClipConfig, hasLogitBias } from './config.ts';
import { ImageTower } from './towers/image-tower.ts';
import { WeightBox } from './weight-box.ts';
import { type ClipWeights, TOWERS, type TowerName, type WeightDType, weightShapes } from './weight-shapes.ts';
import { TextTower } from './towers/text-tower.ts';
import type { TextTokenizer } from './tokenizer/index.ts';

/** How a model is made from tensors. */
export type ClipOptions = {
  readonly device: Device;
  /** Which towers to make. Default both. */
  readonly towers?: readonly TowerName[];
  /** dtype of matrices on the device. f16 halves their memory and needs shader-f16. Default: that of the tensors. */
  readonly dtype?: WeightDType;
  /**
   * dtype of what the blocks' products and attention read and write. f16 halves that, and what a backward keeps of it; needs
   * shader-f16. Residual streams, norms, sums, softmax, features and all gradients within the blocks are f32 in either case. Default f32.
   */
  readonly activationDType?: FloatDType | undefined;
  /** Whether all weights are learnt (then the token table is on the device too). Default false. */
  readonly trainable?: boolean;
  /** Upload the whole token table even if frozen, so that ids may come from the device. Default false. */
  readonly tokensOnDevice?: boolean;
  /** Tokenizer. Default: CLIP's; a SigLIP has none unless one is given. */
  readonly tokenizer?: TextTokenizer | undefined;
  /** Hash of the model, for `Clip.hash`. */
  readonly hash?: string | undefined;
};

/**
 * A model from weights in OpenAI's names and layouts. Tensors on the device are taken over, also when their dtype must be converted.
 * @throws InputError listing all weights that are missing or unknown, or naming one of a wrong shape; nothing is taken over then
 */
export function clipFromTensors(config: ClipConfig, weights: ClipWeights, options: ClipOptions): Clip {
  const { device, towers = TOWERS, dtype, trainable = false, tokensOnDevice = trainable, tokenizer } = options;
  checkConfig(config, 'clipFromTensors');
  expectHalf('clipFromTensors', options);
  if (dtype === 'f16' && trainable)
    throw new DTypeError('clipFromTensors', 'weights that are learnt cannot be f16', "use dtype: 'f32'");
  if (trainable && config.image.architecture === 'eva02')
    throw new InputError(
      'clipFromTensors',
      'all weights of an EVA-02 are to be learnt, and its keys have no bias, which this would teach it',
      'leave it frozen: prompts and adapters are learnt on it',
    );
  if (trainable && config.image.architecture === 'mobileclip')
    throw new InputError(
      'clipFromTensors',
      'all weights of a MobileCLIP are to be learnt, and the statistics of its batch norms are those of training',
      'leave it frozen: prompts and adapters are learnt on it',
    );
  expectNames(config, weights, towers);
  const activationDType = options.activationDType === 'f16' ? 'f16' : undefined;
  const box = new WeightBox(weights, device, { dtype: trainable ? 'f32' : dtype, activationDType, tokensOnDevice });
  box.check(weightShapes(config, towers));
  const image = towers.includes('image') ? new ImageTower(config.image, config.embed, box) : undefined;
  const text = towers.includes('text') ? new TextTower(config.text, config.embed, box, device) : undefined;
  const bias = hasLogitBias(config) ? box.vector('logit_bias', []) : undefined;
  const logitScale = box.vector('logit_scale', []);
  const clip = new Clip({ device, config, image, text, logitScale, logitBias: bias, tokenizer, hash: options.hash });
  clip.freeze(!trainable);
  return clip;
}

/** @throws DTypeError for f16 on an adapter that has none */
export function expectHalf(
  op: string,
  { device, dtype, activationDType }: Pick<ClipOptions, 'device' | 'dtype' | 'activationDType'>,
): void {
  const asked = Object.entries({ dtype, activationDType }).filter(([, kind]) => kind === 'f16');
  if (asked.length === 0 || device.hasF16) return;
  const names = asked.map(([name]) => name);
  throw new DTypeError(
    op,
    `the adapter ${device.adapter.name} has no shader-f16, and ${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} f16`,
    'use f32, or another adapter: most GPUs and lavapipe have it, SwiftShader does not',
  );
}

function expectNames(config: ClipConfig, weights: ClipWeights, towers: readonly TowerName[]): void {
  const wanted = weightShapes(config, towers);
  const missing = [...wanted.keys()].filter((name) => !(name in weights));
  const unknown = Object.keys(weights).filter((name) => !wanted.has(name));
  if (missing.length + unknown.length === 0 && towers.length > 0) return;
  throw new InputError(
    'clipFromTensors',
    `for the towers ${towers.join(' and ') || '(none)'} these weights are missing: ${list(missing)}; unknown: ${list(unknown)}`,
    'give the weights of this config, by the names of weightShapes',
  );
}

const MOST_NAMES = 24;

function list(names: readonly string[]): string {
  const rest = names.length - MOST_NAMES;
  return names.slice(0, MOST_NAMES).join(', ') + (rest > 0 ? ` and ${rest} more` : '') || 'none';
}
