/** Vision transformers: CLIP's, SigLIP's without a class token, EVA-02's with rotations. */
import { type LayerNorm, Module, type TransformerBlock } from '@mudpt/autograd';
import {
  add,
  cat,
  embedding,
  expand,
  linear,
  matmul,
  narrow,
  permute,
  reshape,
  scope,
  select,
  ShapeError,
  type Tensor,
} from '@mudpt/tensor';
import { expectAdapters } from './adapters.ts';
import { AttentionPooling } from './attention-pooling.ts';
import type { TokenPicker } from './block.ts';
import { namedBlockWeights, takeBlocks, takeNorm } from './block-weights.ts';
import { ConvStem } from './conv-stem.ts';
import { EvaBlock, namedEvaWeights, patchRotations } from './eva-block.ts';
import { type ImageConfig, imageTokens, patchesPerSide } from '../config.ts';
import type { WeightBox } from '../weight-box.ts';
import { expectPromptTokens, type PromptTokens } from './prompt-tokens.ts';
import { runBlocks, type StackOptions } from './transformer.ts';

/** Images to features. Its tensors carry OpenAI's layouts: `projection` is multiplied from the right. */
export class ImageTower extends Module {
  /** [width, 3, patch, patch]; MobileCLIP has a stem in its place. */
  readonly conv: Tensor | undefined;
  readonly stem: ConvStem | undefined;
  /** [width]; CLIP's patches have none. */
  readonly convBias: Tensor | undefined;
  /** [width]; SigLIP has none. */
  readonly classToken: Tensor | undefined;
  /** [tokens, width], the class token's first where it has one: in CLIP and EVA-02. */
  readonly positions: Tensor;
  /** Before the blocks, in CLIP alone. */
  readonly normPre: LayerNorm | undefined;
  readonly blocks: readonly TransformerBlock[];
  readonly normPost: LayerNorm;
  /** [width, embed], of the class token; SigLIP has none. */
  readonly projection: Tensor | undefined;
  /** [embed], of EVA-02 and MobileCLIP. */
  readonly projectionBias: Tensor | undefined;
  /** SigLIP's head in the projection's place. */
  readonly pooling: AttentionPooling | undefined;
  /** The table by which EVA-02's queries and keys turn. */
  readonly rotations: Tensor | undefined;

  constructor(
    readonly config: ImageConfig,
    embed: number,
    weights: WeightBox,
  ) {
    super();
    const { width, patch, eps } = config;
    const { architecture = 'clip' } = config;
    const isSiglip = architecture === 'siglip';
    const isMobile = architecture === 'mobileclip';
    this.conv = isMobile ? undefined : weights.matrix('visual.conv1.weight', [width, 3, patch, patch]);
    this.stem = config.architecture === 'mobileclip' ? new ConvStem(config, weights) : undefined;
    this.convBias = isSiglip || architecture === 'eva02' ? weights.vector('visual.conv1.bias', [width]) : undefined;
    this.classToken = isSiglip ? undefined : weights.vector('visual.class_embedding', [width]);
    this.positions = weights.vector('visual.positional_embedding', [imageTokens(config) - (isMobile ? 1 : 0), width]);
    this.normPre = architecture === 'clip' ? takeNorm(weights, 'visual.ln_pre', width, eps) : undefined;
    this.blocks =
      config.architecture === 'eva02'
        ? Array.from(
            { length: config.layers },
            (_, layer) => new EvaBlock(weights, `visual.transformer.resblocks.${layer}`, config),
          )
        : takeBlocks(weights, 'visual.transformer', config);
    this.normPost = takeNorm(weights, 'visual.ln_post', width, eps);
    this.projection = isSiglip ? undefined : weights.matrix('visual.proj', [width, embed]);
    this.projectionBias = architecture === 'eva02' || isMobile ? weights.vector('visual.proj_bias', [embed]) : undefined;
    this.pooling = config.architecture === 'siglip' ? new AttentionPooling(config, weights) : undefined;
    this.rotations = config.architecture === 'eva02' ? patchRotations(config, this.positions.device) : undefined;
  }

  /**
   * Normalised images [B, 3, size, size] (f32) as tokens [B, T, width]: the class token where there is one, then patches row by row, with their
   * positions, before the first norm.
   * @throws ShapeError for images of another size
   */
  patches(images: Tensor): Tensor {
    images.expectLive('ImageTower');
    const { size, patch, width } = this.config;
    const [batch = 0] = images.shape;
    if (images.rank !== 4 || images.shape.slice(1).join() !== [3, size, size].join() || batch === 0) {
      throw new ShapeError(
        'ImageTower',
        `images have shape [${images.shape.join(', ')}]`,
        `give at least one image: [B, 3, ${size}, ${size}]`,
      );
    }
    const side = patchesPerSide(this.config);
    const read = side * patch;
    return scope(() => {
      // A convolution whose windows do not overlap is a product with the windows laid out as rows.
      const whole = read === size ? images : narrow(narrow(images, 2, 0, read), 3, 0, read);
      const cut = reshape(whole, [batch, 3, side, patch, side, patch]);
      const windows = reshape(permute(cut, [0, 2, 4, 1, 3, 5]), [batch, side * side, 3 * patch * patch]);
      const embedded = this.embedWindows(windows);
      if (!this.classToken) return add(embedded, this.positions);
      const first = expand(reshape(this.classToken, [1, 1, width]), [batch, 1, width]);
      if (this.stem) return cat([first, add(embedded, this.positions)], 1);
      return add(cat([first, embedded], 1), this.positions);
    });
  }

  /**
   * Features [B, embed] of images [B, 3, size, size], not normalised. Prompts of block 0 pass the norm before it, as patches do; `at: 'end'` is
   * after the patches.
   */
  forward(images: Tensor, options: StackOptions = {}): Tensor {
    return scope(() => this.features(this.patches(images), options));
  }

  /**
   * Features [B, embed] of tokens as {@link patches} gives them, of which some patches may be missing. SigLIP's head attends to all tokens that the
   * last block gives, appended prompts too.
   */
  features(tokens: Tensor, options: StackOptions = {}): Tensor {
    return scope(() => {
      const { pooling } = this;
      if (pooling) return pooling.forward(this.normPost.forward(this.run(tokens, options)));
      return this.projected(this.run(tokens, { ...options, pick: firstRow }));
    });
  }

  /**
   * Tokens [B, K, width] of some patches of each image, after the class token [B, 1 + K, width] where there is one.
   * @param windows the patches' values [B, K, 3 * patch * patch], channels first, f32
   * @param places i32 [B, K]: where each patch lies in its image, row by row
   */
  somePatches(windows: Tensor, places: Tensor): Tensor {
    const { patch, width } = this.config;
    if (this.rotations)
      throw new ShapeError(
        'ImageTower',
        'some patches are given, and the blocks of EVA-02 turn each by its place among all',
        'give whole images',
      );
    const [batch = 0, kept = 0] = windows.shape;
    if (
      windows.rank !== 3 ||
      windows.shape[2] !== 3 * patch * patch ||
      batch === 0 ||
      places.shape.join() !== [batch, kept].join()
    )
      throw new ShapeError(
        'ImageTower',
        `patches have shape [${windows.shape.join(', ')}] and places [${places.shape.join(', ')}]`,
        `give [B, K, ${3 * patch * patch}] and [B, K]`,
      );
    return scope(() => {
      const embedded = this.embedWindows(windows);
      if (!this.classToken) return add(embedded, embedding(this.positions, places));
      const ofPatches = this.stem ? this.positions : narrow(this.positions, 0, 1, imageTokens(this.config) - 1);
      const placed = add(embedded, embedding(ofPatches, places));
      const first = this.stem ? this.classToken : add(this.classToken, select(this.positions, 0, 0));
      return cat([expand(reshape(first, [1, 1, width]), [batch, 1, width]), placed], 1);
    });
  }

  /** Tokens as {@link patches} gives them, after the last block: [B, T, width]. */
  hidden(tokens: Tensor, options: StackOptions = {}): Tensor {
    return scope(() => this.run(tokens, options));
  }

  /** The features [B, embed] that hidden [B, T, width] ends in: its first, the class token; or all tokens, by SigLIP's head. */
  project(hidden: Tensor): Tensor {
    return scope(() => {
      const { pooling } = this;
      return pooling ? pooling.forward(this.normPost.forward(hidden)) : this.projected(firstRow(hidden));
    });
  }

  /** Its tensors by OpenAI's names. */
  *weights(): Generator<readonly [string, Tensor]> {
    if (this.classToken) yield ['visual.class_embedding', this.classToken];
    yield ['visual.positional_embedding', this.positions];
    if (this.projection) yield ['visual.proj', this.projection];
    if (this.projectionBias) yield ['visual.proj_bias', this.projectionBias];
    if (this.conv) yield ['visual.conv1.weight', this.conv];
    if (this.stem) yield* this.stem.weights();
    if (this.convBias) yield ['visual.conv1.bias', this.convBias];
    if (this.normPre) yield ['visual.ln_pre.weight', this.normPre.weight];
    if (this.normPre) yield ['visual.ln_pre.bias', this.normPre.bias];
    yield* namedBlockWeights(this.blocks, 'visual.transformer');
    for (const [layer, block] of this.blocks.entries())
      if (block instanceof EvaBlock) yield* namedEvaWeights(block, `visual.transformer.resblocks.${layer}`);
    yield ['visual.ln_post.weight', this.normPost.weight];
    yield ['visual.ln_post.bias', this.normPost.bias];
    if (this.pooling) yield* this.pooling.weights();
  }

  private run(tokens: Tensor, { prompts, ...options }: StackOptions & { readonly pick?: TokenPicker }): Tensor {
    if (prompts) expectPromptTokens('ImageTower', this.config, prompts, tokens.shape[0] as number);
    if (options.adapters) expectAdapters('ImageTower', this.config, options.adapters);
    const { normPre, rotations } = this;
    if (rotations) expectPlaces(this.config, tokens, prompts);
    const normed = prompts && normPre ? firstNormed(prompts, normPre) : prompts;
    return runBlocks(this.blocks, normPre ? normPre.forward(tokens) : tokens, { ...options, prompts: normed, rotations });
  }

  /** The values of patches [B, K, 3 * patch * patch] as tokens [B, K, width], without positions. */
  private embedWindows(windows: Tensor): Tensor {
    const { width, patch } = this.config;
    if (!this.conv) return (this.stem as ConvStem).forward(windows);
    return linear(windows, reshape(this.conv, [width, 3 * patch * patch]), this.convBias);
  }

  private projected(classTokens: Tensor): Tensor {
    const features = matmul(this.normPost.forward(classTokens), this.projection as Tensor);
    return this.projectionBias ? add(features, this.projectionBias) : features;
  }
}

/** Rows of tokens tell their places: none may be missing, and none come between. */
function expectPlaces(config: ImageConfig, { shape: [, length = 0] }: Tensor, prompts: PromptTokens | undefined): void {
  if (length === imageTokens(config) && !prompts?.inserted) return;
  throw new ShapeError(
    'ImageTower',
    prompts?.inserted
      ? 'prompts come between the tokens, and the blocks of EVA-02 turn each token by its place'
      : `there are ${length} tokens, and the blocks of EVA-02 turn each by its place among ${imageTokens(config)}`,
    "give whole images, and prompts at 'end'",
  );
}

/** Prompts of block 0 pass the norm that stands before it. */
function firstNormed({ layers: [first, ...later], ...rest }: PromptTokens, norm: LayerNorm): PromptTokens {
  return { ...rest, layers: [first && norm.forward(first), ...later] };
}

/** The class token of every image. */
function firstRow(x: Tensor): Tensor {
  return select(x, 1, 0);
}
