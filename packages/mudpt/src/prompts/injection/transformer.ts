/**
 * Transformer injection, as in the paper's figure: self-attention among the n prompts of a layer, a feed-forward part, and a linear to the other
 * width. Pre-norm between two more norms is the released code's form (UUMuDPT); post-norm (Add & Norm) is the figure's, in no released code.
 */
import type { LayerNorm, Linear, MultiHeadAttention } from '@mudpt/autograd';
import { type LinearOptions, scope, type Tensor } from '@mudpt/tensor';
import {
  type AddingOptions,
  type Injected,
  type Injection,
  type InjectionOptions,
  layered,
  type LayerMap,
  mapLayers,
  mapNames,
  type Prompts,
  unlayered,
} from './injection.ts';
import { FeedForward, lastLinear, named, namedBlock, norm, type PartOptions, selfAttention } from './parts.ts';

export type NormForm = 'pre' | 'post';

export type TransformerNames = { readonly pre: string; readonly block: string; readonly post: string; readonly project: string };

/** P [layers, n, width] to [layers, n, outputs]. Layers are the batch: their prompts do not attend to each other; there are no positions. */
export class PromptTransformer implements LayerMap {
  private readonly normPre: LayerNorm | undefined;
  private readonly attention: MultiHeadAttention;
  private readonly norm1: LayerNorm;
  private readonly norm2: LayerNorm;
  private readonly feedForward: FeedForward;
  private readonly normPost: LayerNorm | undefined;
  private readonly project: Linear;
  readonly learnable: readonly (readonly [string, Tensor])[];

  constructor(
    [width, outputs]: readonly [width: number, outputs: number],
    names: TransformerNames,
    { form, zeroInit, ...options }: PartOptions & { readonly form: NormForm; readonly zeroInit: boolean },
  ) {
    const outer = form === 'pre';
    this.normPre = outer ? norm(width, options) : undefined;
    this.attention = selfAttention(width, options);
    this.norm1 = norm(width, options);
    this.norm2 = norm(width, options);
    this.feedForward = new FeedForward(width, options);
    this.normPost = outer ? norm(width, options) : undefined;
    this.project = lastLinear(width, outputs, { ...options, zeroInit });
    const { attention, norm1, norm2, feedForward } = this;
    this.learnable = [
      ...(this.normPre ? named(names.pre, this.normPre) : []),
      ...namedBlock(names.block, { attention, norm1, norm2, feedForward }),
      ...(this.normPost ? named(names.post, this.normPost) : []),
      ...named(names.project, this.project),
    ];
  }

  forward(prompts: Tensor, target?: Tensor, { isAdded = false }: AddingOptions = {}): Tensor {
    return scope(() => {
      const fused = isAdded && target ? { residual: target } : {};
      if (!this.normPre || !this.normPost) return this.postNorm(prompts, fused);
      const first = this.norm1.fork(this.normPre.forward(prompts));
      const second = this.norm2.fork(this.attention.forward(first.out, { residual: first.skip }));
      const fed = this.feedForward.forward(second.out, second.skip);
      return this.project.forward(this.normPost.forward(fed), fused);
    });
  }

  private postNorm(prompts: Tensor, fused: LinearOptions): Tensor {
    const mixed = this.norm1.forward(this.attention.forward(prompts, { residual: prompts }));
    return this.project.forward(this.norm2.forward(this.feedForward.forward(mixed, mixed)), fused);
  }
}

const TEXT_NAMES = 'uumudpt_prompt_learner';
const IMAGE_NAMES = 'image_encoder.visual_ctx';

/** Names of the text-to-image direction under a learner's name, as the authors' state dicts have them. */
export function textToImageNames(learner: string): TransformerNames {
  return {
    pre: `${learner}.ln_pre`,
    block: `${learner}.self_attn`,
    post: `${learner}.ln_post`,
    project: `${learner}.visual_proj`,
  };
}

function imageToTextNames(image: string): TransformerNames {
  return {
    pre: `${image}_ln_intra_pre`,
    block: `${image}_self_attn`,
    post: `${image}_ln_intra_post`,
    project: `${image}_text_proj`,
  };
}

/** Both directions, or text to image alone (UMuDPT). */
export class TransformerInjection implements Injection {
  readonly learnable: ReadonlyMap<string, Tensor>;
  private readonly toImage: readonly PromptTransformer[];
  private readonly toText: readonly PromptTransformer[];

  constructor(
    private readonly options: InjectionOptions &
      PartOptions & { readonly form: NormForm; readonly oneWay?: boolean; readonly learner?: string },
  ) {
    const { depth, textWidth, imageWidth, layer0, perLayer, oneWay = false, learner = TEXT_NAMES } = options;
    const first = layer0 ? 0 : 1;
    this.toImage = mapNames(learner, depth, { perLayer })
      .slice(perLayer ? first : 0)
      .map((name) => new PromptTransformer([textWidth, imageWidth], textToImageNames(name), options));
    this.toText = (oneWay ? [] : mapNames(IMAGE_NAMES, depth, { perLayer }))
      .slice(perLayer ? 1 : 0)
      .map((name) => new PromptTransformer([imageWidth, textWidth], imageToTextNames(name), options));
    this.learnable = new Map([...this.toImage, ...this.toText].flatMap((map) => map.learnable));
  }

  inject({ text, image }: Prompts, { isAdded = false }: AddingOptions = {}): Injected {
    const { layer0, perLayer } = this.options;
    const which = { withFirst: layer0 };
    const source = layered(text, which);
    const target = isAdded ? layered(image, which) : source; // read only where it is added
    const toImage = source.size > 0 ? mapLayers(this.toImage, { source, target, isAdded, perLayer }) : undefined;
    const { first, deep } = unlayered(toImage, which);
    const hasDeepImage = this.toText.length > 0 && image.deep.size > 0;
    const ofText = { source: image.deep, target: isAdded ? text.deep : image.deep, isAdded, perLayer };
    const textDeep = hasDeepImage ? mapLayers(this.toText, ofText) : undefined;
    return { imageFirst: first, imageDeep: deep, textDeep };
  }
}
