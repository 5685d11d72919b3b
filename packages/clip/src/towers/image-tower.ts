/** CLIP's vision transformer. */
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
import type { TokenPicker } from './block.ts';
import { namedBlockWeights, takeBlocks, takeNorm } from './block-weights.ts';
import { type ImageConfig, imageTokens } from '../config.ts';
import type { WeightBox } from '../weight-box.ts';
import { expectPromptTokens, type PromptTokens } from './prompt-tokens.ts';
import { runBlocks, type StackOptions } from './transformer.ts';

/** Images to features. Its tensors carry OpenAI's layouts: `projection` is multiplied from the right. */
export class ImageTower extends Module {
  /** [width, 3, patch, patch] */
  readonly conv: Tensor;
  /** [width] */
  readonly classToken: Tensor;
  /** [1 + patches, width] */
  readonly positions: Tensor;
  readonly normPre: LayerNorm;
  readonly blocks: readonly TransformerBlock[];
  readonly normPost: LayerNorm;
  /** [width, embed] */
  readonly projection: Tensor;

  constructor(
    readonly config: ImageConfig,
    embed: number,
    weights: WeightBox,
  ) {
    super();
    const { width, patch, eps } = config;
    this.conv = weights.matrix('visual.conv1.weight', [width, 3, patch, patch]);
    this.classToken = weights.vector('visual.class_embedding', [width]);
    this.positions = weights.vector('visual.positional_embedding', [imageTokens(config), width]);
    this.normPre = takeNorm(weights, 'visual.ln_pre', width, eps);
    this.blocks = takeBlocks(weights, 'visual.transformer', config);
    this.normPost = takeNorm(weights, 'visual.ln_post', width, eps);
    this.projection = weights.matrix('visual.proj', [width, embed]);
  }

  /**
   * Normalised images [B, 3, size, size] (f32) as tokens [B, 1 + patches, width]: the class token, then patches row by row, with their
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
    const side = size / patch;
    return scope(() => {
      // A convolution whose windows do not overlap is a product with the windows laid out as rows.
      const cut = reshape(images, [batch, 3, side, patch, side, patch]);
      const windows = reshape(permute(cut, [0, 2, 4, 1, 3, 5]), [batch, side * side, 3 * patch * patch]);
      const embedded = linear(windows, reshape(this.conv, [width, 3 * patch * patch]));
      const first = expand(reshape(this.classToken, [1, 1, width]), [batch, 1, width]);
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

  /** Features [B, embed] of tokens as {@link patches} gives them, of which some patches may be missing. */
  features(tokens: Tensor, options: StackOptions = {}): Tensor {
    return scope(() => this.head(this.run(tokens, { ...options, pick: firstRow })));
  }

  /**
   * Tokens [B, 1 + K, width] of some patches of each image.
   * @param windows the patches' values [B, K, 3 * patch * patch], channels first, f32
   * @param places i32 [B, K]: where each patch lies in its image, row by row
   */
  somePatches(windows: Tensor, places: Tensor): Tensor {
    const { width, patch } = this.config;
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
      const embedded = linear(windows, reshape(this.conv, [width, 3 * patch * patch]));
      const placed = add(embedded, embedding(narrow(this.positions, 0, 1, imageTokens(this.config) - 1), places));
      const first = add(this.classToken, select(this.positions, 0, 0));
      return cat([expand(reshape(first, [1, 1, width]), [batch, 1, width]), placed], 1);
    });
  }

  /** Tokens as {@link patches} gives them, after the last block: [B, T, width]. */
  hidden(tokens: Tensor, options: StackOptions = {}): Tensor {
    return scope(() => this.run(tokens, options));
  }

  /** The features [B, embed] that the class token, the first of [B, T, width], ends in. */
  project(hidden: Tensor): Tensor {
    return scope(() => this.head(firstRow(hidden)));
  }

  /** Its tensors by OpenAI's names. */
  *weights(): Generator<readonly [string, Tensor]> {
    yield ['visual.class_embedding', this.classToken];
    yield ['visual.positional_embedding', this.positions];
    yield ['visual.proj', this.projection];
    yield ['visual.conv1.weight', this.conv];
    yield ['visual.ln_pre.weight', this.normPre.weight];
    yield ['visual.ln_pre.bias', this.normPre.bias];
    yield* namedBlockWeights(this.blocks, 'visual.transformer');
    yield ['visual.ln_post.weight', this.normPost.weight];
    yield ['visual.ln_post.bias', this.normPost.bias];
  }

  private run(tokens: Tensor, { prompts, ...options }: StackOptions & { readonly pick?: TokenPicker }): Tensor {
    if (prompts) expectPromptTokens('ImageTower', this.config, prompts, tokens.shape[0] as number);
    if (options.adapters) expectAdapters('ImageTower', this.config, options.adapters);
    const normed = prompts && this.normed(prompts);
    return runBlocks(this.blocks, this.normPre.forward(tokens), { ...options, prompts: normed });
  }

  private normed({ layers: [first, ...later], ...rest }: PromptTokens): PromptTokens {
    return { ...rest, layers: [first && this.normPre.forward(first), ...later] };
  }

  private head(tokens: Tensor): Tensor {
    return matmul(this.normPost.forward(tokens), this.projection);
  }
}

/** The class token of every image. */
function firstRow(x: Tensor): Tensor {
  return select(x, 1, 0);
}
