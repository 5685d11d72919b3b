/** A CLIP model: towers, tokenizer, preprocessing, and what people do with them. */
import { Module } from '@mudpt/autograd';
import {
  add,
  alias,
  type Device,
  exp,
  InputError,
  keep,
  l2Normalize,
  matmul,
  mul,
  reshape,
  scope,
  ShapeError,
  Tensor,
  TensorError,
} from '@mudpt/tensor';
import { canonicalText } from '@mudpt/tensor/internal';
import type { ClipConfig } from './config.ts';
import { asIds, encodePacked, fileBatches, gather, tensorBatches, textBatches } from './encode-batches.ts';
import type { ImageTower } from './towers/image-tower.ts';
import type { ImageLoader, ImageSource } from './preprocess/index.ts';
import type { HostTensor, TowerName } from './weight-shapes.ts';
import type { TextTower } from './towers/text-tower.ts';
import { readTokenIds, type TokenIds } from './towers/token-ids.ts';
import { createTokenizer, type TextTokenizer } from './tokenizer/index.ts';
import { DEFAULT_TEMPLATES, ensemble, fillTemplates, meanOfRows, type Prediction, rank } from './zero-shot.ts';

/** What encoding of images and of texts have in common. */
export type EncodeOptions = {
  /** Its reason is thrown between batches once it is aborted. */
  readonly signal?: AbortSignal;
};

/** How images are encoded. */
export type EncodeImageOptions = EncodeOptions & {
  /** Images that go through the tower at once. Default 32. */
  readonly batch?: number;
  /** Prepares files; default: one made for this call. It must give squares of the tower's size. */
  readonly loader?: ImageLoader;
};

/** How texts are encoded. */
export type EncodeTextOptions = EncodeOptions & {
  /** false runs every text with all positions of the context, as OpenAI's code does. Default true where the tower is causal: same features, less work. */
  readonly packed?: boolean;
  /** Most tokens that go through the tower at once. Default 8192. */
  readonly batchTokens?: number;
  /** A text longer than the context is an error (the default), or is cut. */
  readonly onTooLong?: 'error' | 'truncate';
};

/** How images are classified by texts. */
export type ZeroShotOptions = EncodeImageOptions &
  EncodeTextOptions & {
    /** How many labels are given per image. Default all. */
    readonly top?: number;
  };

/** Class matrices kept at once. */
const MAX_CLASS_SETS = 4;

/** The parts that a {@link Clip} is made of; see its fields. */
export type ClipParts = Pick<Clip, 'device' | 'config' | 'image' | 'text' | 'logitScale' | 'logitBias' | 'hash'> & {
  readonly tokenizer: TextTokenizer | undefined;
};

/** Made by `clipFromTensors`, `randomClip` or `loadClip`. Frozen unless asked for otherwise; either tower may be absent. */
export class Clip extends Module {
  private readonly classSets = new Map<string, Tensor>();
  private vocabulary: Promise<TextTokenizer> | undefined;

  readonly device: Device;
  readonly config: ClipConfig;
  readonly image: ImageTower | undefined;
  readonly text: TextTower | undefined;
  /** Logarithm of the factor of similarities, a scalar. */
  readonly logitScale: Tensor;
  /** Added to the scaled similarities, a scalar; absent in models that were not trained with the sigmoid loss. */
  readonly logitBias: Tensor | undefined;
  /** Hash of the weights as they were loaded, config, tokenizer and normalization (see `modelHash`), by which learnt prompts name their model. Absent for random weights. */
  readonly hash: string | undefined;

  constructor({ device, config, image, text, logitScale, logitBias, tokenizer, hash }: ClipParts) {
    super();
    this.device = device;
    this.config = config;
    this.image = image;
    this.text = text;
    this.logitScale = logitScale;
    this.logitBias = logitBias;
    this.hash = hash;
    this.vocabulary = tokenizer && Promise.resolve(tokenizer);
  }

  /** @throws TensorError for a model that was loaded without that tower */
  tower(name: 'image'): ImageTower;
  tower(name: 'text'): TextTower;
  tower(name: TowerName): ImageTower | TextTower {
    const tower = this[name];
    if (tower) return tower;
    throw new TensorError('Clip', `the model was loaded without its ${name} tower`, `load it with towers: ['${name}']`);
  }

  /** The model's tokenizer: CLIP's unless another was given. @throws InputError for a SigLIP without one */
  async tokenizer(): Promise<TextTokenizer> {
    if (!this.vocabulary && this.config.text.architecture === 'siglip')
      throw new InputError(
        'Clip',
        'this SigLIP has no tokenizer: no tokenizer.json lies beside its weights',
        'put the tokenizer.json of the model there (spiece.model is not read), or give the option tokenizer',
        { code: 'model.noTokenizer' },
      );
    return (this.vocabulary ??= createTokenizer());
  }

  /**
   * Features [B, embed], not normalised, of preprocessed images [B, 3, size, size], or of files.
   * @throws ShapeError for an empty list, FormatError naming a file that is no image
   */
  async encodeImage(images: Tensor | readonly ImageSource[], options: EncodeImageOptions = {}): Promise<Tensor> {
    const tower = this.tower('image');
    const { batch = 32, loader, signal } = options;
    if (!(Number.isSafeInteger(batch) && batch >= 1))
      throw new ShapeError('encodeImage', `batch is ${batch}`, 'use a whole number of at least 1');
    expectImages(images);
    const { normalization, resizing } = this.config;
    const files = { config: tower.config, normalization, resizing, batch, loader, signal };
    const batches = images instanceof Tensor ? tensorBatches(images, batch) : fileBatches(images, files, this.device);
    return gather(batches, (pixels) => tower.forward(pixels), signal);
  }

  /**
   * Features [C, embed], not normalised, of texts or of token ids.
   * @throws LimitError naming a text that is too long, ShapeError for an empty list
   */
  async encodeText(texts: readonly string[] | TokenIds, options: EncodeTextOptions = {}): Promise<Tensor> {
    const tower = this.tower('text');
    const { packed = tower.isCausal, batchTokens = 8192, signal } = options;
    signal?.throwIfAborted();
    const rows = readTokenIds(await this.tokenIds(texts, options), tower.config);
    const batches = textBatches(rows, batchTokens, packed);
    return gather(batches, (part) => (packed ? encodePacked(tower, part) : tower.forward(asIds(part))), signal);
  }

  /** Logits [B, C]: exp(logitScale) times the cosines of features [B, embed] and [C, embed], and logitBias where there is one. Has gradients. */
  similarity(imageFeatures: Tensor, textFeatures: Tensor): Tensor {
    return scope(() => {
      const cosines = matmul(l2Normalize(imageFeatures, -1), l2Normalize(textFeatures, -1), { transposeB: true });
      const scaled = mul(cosines, exp(this.logitScale));
      return this.logitBias ? add(scaled, this.logitBias) : scaled;
    });
  }

  /**
   * One unit vector per label, [labels, embed]: the mean over the templates. Computed once for the same lists while the text tower is
   * frozen. The result is a handle of the caller's.
   */
  async classFeatures(
    labels: readonly string[],
    templates: readonly string[] = DEFAULT_TEMPLATES,
    options: EncodeTextOptions = {},
  ): Promise<Tensor> {
    const texts = fillTemplates(labels, templates);
    const key = canonicalText([labels, templates, options.onTooLong, options.packed]);
    const known = this.classSets.get(key);
    if (known) return alias(known);
    using features = await this.encodeText(texts, options);
    const classes = scope(() => ensemble(reshape(features, [templates.length, labels.length, this.config.embed])));
    if (this.text?.parameters().length === 0) this.remember(key, classes);
    return classes;
  }

  /**
   * One unit vector per class from sentences about it, as CuPL has it: each sentence's feature is normalised, then the mean of a class's is.
   * The caller disposes it.
   * @param descriptions sentences of each class, one at least
   * @returns [classes, embed]
   */
  async descriptionFeatures(descriptions: readonly (readonly string[])[], options: EncodeTextOptions = {}): Promise<Tensor> {
    using features = await this.encodeText(descriptions.flat(), options);
    return scope(() =>
      l2Normalize(
        meanOfRows(
          l2Normalize(features, -1),
          descriptions.map(({ length }) => length),
        ),
        -1,
      ),
    );
  }

  /**
   * For every image the labels that fit it, best first.
   * @param templates texts with `{}` for the label; the features of several are averaged
   */
  async zeroShot(
    images: Tensor | readonly ImageSource[],
    labels: readonly string[],
    templates: readonly string[] = DEFAULT_TEMPLATES,
    options: ZeroShotOptions = {},
  ): Promise<Prediction[][]> {
    expectImages(images);
    using classes = await this.classFeatures(labels, templates, options);
    return await this.rankImages(images, classes, labels, options);
  }

  /**
   * For every image the labels whose features are most similar, best first.
   * @param classes unit vectors [labels, embed], of any origin
   */
  async rankImages(
    images: Tensor | readonly ImageSource[],
    classes: Tensor,
    labels: readonly string[],
    options: ZeroShotOptions = {},
  ): Promise<Prediction[][]> {
    expectImages(images);
    using features = await this.encodeImage(images, options);
    using logits = this.similarity(features, classes);
    const values = await logits.data();
    const likelihood = this.logitBias ? 'sigmoid' : 'softmax';
    return Array.from({ length: features.shape[0]! }, (_, row) =>
      rank(values.subarray(row * labels.length, (row + 1) * labels.length), labels, options.top ?? labels.length, likelihood),
    );
  }

  /** All weights by OpenAI's names; the token table is on the host when it is there. */
  *weights(): Generator<readonly [string, Tensor | HostTensor]> {
    yield ['logit_scale', this.logitScale];
    if (this.logitBias) yield ['logit_bias', this.logitBias];
    if (this.image) yield* this.image.weights();
    if (this.text) yield* this.text.weights();
    if (this.text) yield ['token_embedding.weight', this.text.tokens.contents()];
  }

  override dispose(): void {
    for (const classes of this.classSets.values()) classes.dispose();
    this.classSets.clear();
    super.dispose();
  }

  private async tokenIds(texts: readonly string[] | TokenIds, { onTooLong = 'error' }: EncodeTextOptions): Promise<TokenIds> {
    if (!isTexts(texts)) return texts;
    const tokenizer = await this.tokenizer();
    const contextLength = this.tower('text').config.context;
    return tokenizer.encodeBatch(texts, { contextLength, onTooLong });
  }

  private remember(key: string, classes: Tensor): void {
    const [oldest] = this.classSets;
    if (oldest && this.classSets.size >= MAX_CLASS_SETS) {
      oldest[1].dispose();
      this.classSets.delete(oldest[0]);
    }
    this.classSets.get(key)?.dispose();
    this.classSets.set(key, keep(alias(classes)));
  }
}

function expectImages(images: Tensor | readonly ImageSource[]): void {
  const count = images instanceof Tensor ? images.shape[0] : images.length;
  if (!count) throw new ShapeError('encodeImage', 'there are no images', 'give at least one');
}

function isTexts(texts: readonly string[] | TokenIds): texts is readonly string[] {
  return !('ids' in texts) && typeof texts[0] === 'string';
}
