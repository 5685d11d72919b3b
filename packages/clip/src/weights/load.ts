/** A CLIP model from wherever its weights lie. */
import { FormatError, InputError, Tensor } from '@mudpt/tensor';
import type { Clip } from '../clip.ts';
import { type ClipConfig, type ClipName, hasLogitBias } from '../config.ts';
import { clipFromTensors, type ClipOptions, expectHalf } from '../clip-from-tensors.ts';
import { upload } from '../weight-box.ts';
import { type HostTensor, type WeightDType } from '../weight-shapes.ts';
import { createSentencePieceTokenizer, createTokenizer, type TextTokenizer } from '../tokenizer/index.ts';
import { chooseWeights, locate, type ModelInput } from './files/files.ts';
import type { Files, Located } from './files/located.ts';
import { readJson } from './formats/container.ts';
import { modelHash } from './hash.ts';
import { type HubOptions, isHubName } from './hub/options.ts';
import { OPEN_CLIP_CONFIG, textCleaning } from './names/open-clip-config.ts';
import { openLocated, type OpenWeightsOptions } from './open.ts';
import type { WeightSource } from './source.ts';
import { folderSentencePiece, folderVocabulary } from './files/vocabulary.ts';
import { expectUsableWeight } from './usable.ts';

/** Which weights are loaded, and how they are kept. */
export type LoadClipOptions = Omit<ClipOptions, 'dtype' | 'hash'> &
  OpenWeightsOptions &
  HubOptions & {
    /** How matrices are kept: f16 leaves those of an f16 file as they are and halves the memory. Default f32. */
    readonly dtype?: WeightDType | undefined;
  };

const OP = 'loadClip';

/** Names of OpenAI's models, and where they lie on the hub. */
export const HUB_NAMES: Readonly<Record<ClipName, string>> = {
  'ViT-B/32': 'openai/clip-vit-base-patch32',
  'ViT-B/16': 'openai/clip-vit-base-patch16',
  'ViT-L/14': 'openai/clip-vit-large-patch14',
  'ViT-L/14@336': 'openai/clip-vit-large-patch14-336',
};

/**
 * Loads a model: from a path or an address (see `openWeights` for the formats), from bytes or files, or by its name on the hub
 * (`openai/clip-vit-base-patch16`, or `ViT-B/16`). A path that exists comes before a name. Weights go to the device one by one; the token
 * table stays in host memory unless asked for otherwise.
 * @throws InputError for a path, a name or an option that cannot be; FormatError naming the file, the tensors and what to do; the signal's reason once it is aborted
 */
export async function loadClip(input: ModelInput, options: LoadClipOptions): Promise<Clip> {
  const { dtype = 'f32' } = options;
  expectHalf(OP, options);
  const { files, chosen } = await findModel(input, options);
  const source = await openLocated(files, chosen ?? chooseWeights(files), options);
  const taken = new Map<string, Tensor | HostTensor>();
  try {
    await takeWeights(source, taken, options);
    // A tower saved by itself may lack the factor between the two: it gets the one that training begins with.
    for (const [name, value] of Object.entries(logitsAtFirst(source.config)))
      if (!taken.has(name)) taken.set(name, { shape: [], dtype: 'f32', data: Float32Array.of(value) });
    const tokenizer = options.tokenizer ?? (source.towers.includes('text') ? await findTokenizer(files, source) : undefined);
    const { towers } = source;
    const config = withPadding(source.config, tokenizer);
    return clipFromTensors(config, Object.fromEntries(taken), {
      ...options,
      dtype,
      towers,
      tokenizer,
      hash: await modelHash(await source.hash(), config, tokenizer),
    });
  } catch (error) {
    for (const weight of taken.values()) if (weight instanceof Tensor) weight.dispose();
    throw error;
  } finally {
    await source.close();
  }
}

/** The files of the model at a path or an address, or of this name on the hub. */
async function findModel(input: ModelInput, options: HubOptions): Promise<Located> {
  const located = await locate(input);
  if (located) return located;
  const name = String(input);
  const hubName = Object.hasOwn(HUB_NAMES, name) ? HUB_NAMES[name as ClipName] : name;
  if (isHubName(hubName)) {
    const { hubFiles } = await import('#hub');
    return { files: await hubFiles(hubName, options) };
  }
  throw new InputError(
    OP,
    `there is no file or folder ${JSON.stringify(name)}, and it is no name on the hub`,
    `check the path, or give a name such as ${HUB_NAMES['ViT-B/16']}`,
  );
}

/** Reads weight after weight; only the token table and what the device holds stays. */
async function takeWeights(
  source: WeightSource,
  taken: Map<string, Tensor | HostTensor>,
  { device, dtype = 'f32', trainable = false, tokensOnDevice = trainable, onProgress, signal }: LoadClipOptions,
): Promise<void> {
  let loaded = 0;
  for (const [name, { bytes }] of source.weights) {
    signal?.throwIfAborted();
    const weight = await source.read(name);
    const staysHere = name === 'token_embedding.weight' && !tokensOnDevice;
    const stored = isMatrix(name, weight) && !trainable && !staysHere ? dtype : 'f32';
    expectUsableWeight(source, name, weight, stored);
    taken.set(name, staysHere ? ownedCopy(weight) : upload(weight, stored, device));
    loaded += bytes;
    onProgress?.({ stage: 'load', item: name, loaded, total: source.bytes });
  }
}

/** A copy where the numbers are a view of memory that the caller of `loadClip` gave and may change. */
function ownedCopy(weight: HostTensor): HostTensor {
  return weight.dtype === 'f16' ? { ...weight, data: weight.data.slice() } : { ...weight, data: weight.data.slice() };
}

/** What products read may be f16; positions, SigLIP's query and vectors are kept in f32. */
function isMatrix(name: string, { shape }: HostTensor): boolean {
  return shape.length >= 2 && !/(positional_embedding|\.probe)$/.test(name);
}

/** What training begins with: of CLIP, and of SigLIP (Zhai and others, arXiv 2303.15343). */
function logitsAtFirst(config: ClipConfig): Readonly<Record<string, number>> {
  return hasLogitBias(config) ? { logit_scale: Math.log(10), logit_bias: -10 } : { logit_scale: Math.log(1 / 0.07) };
}

/** A SigLIP's texts are filled with what its tokenizer fills them with, as transformers' processor does. */
function withPadding(config: ClipConfig, tokenizer: TextTokenizer | undefined): ClipConfig {
  const { text } = config;
  return tokenizer && text.architecture === 'siglip' ? { ...config, text: { ...text, pad: tokenizer.pad } } : config;
}

/** The tokenizer of the folder, or undefined for CLIP's own. Token tables may have more rows than there are ids, not fewer. */
async function findTokenizer(files: Files, source: WeightSource): Promise<TextTokenizer | undefined> {
  const { text } = source.config;
  const tokenizer = text.architecture === 'siglip' ? await siglipTokenizer(files, source) : await clipTokenizer(files);
  if (!tokenizer || tokenizer.vocabularySize <= text.vocabulary) return tokenizer;
  throw new FormatError(
    OP,
    `${files.name}: its tokenizer has ${tokenizer.vocabularySize} ids, its token table ${text.vocabulary} rows`,
    'give the tokenizer files of this model',
  );
}

async function clipTokenizer(files: Files): Promise<TextTokenizer | undefined> {
  const vocabulary = await folderVocabulary(files);
  return vocabulary && (await createTokenizer({ vocabulary }));
}

async function siglipTokenizer(files: Files, { style }: WeightSource): Promise<TextTokenizer | undefined> {
  const found = await folderSentencePiece(files);
  if (!found || style !== 'openai' || !files.names.includes(OPEN_CLIP_CONFIG))
    return found && createSentencePieceTokenizer(found);
  const cleaning = textCleaning(await readJson(OPEN_CLIP_CONFIG, await files.open(OPEN_CLIP_CONFIG)));
  return createSentencePieceTokenizer(found, { cleaning });
}
