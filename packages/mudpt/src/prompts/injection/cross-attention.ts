/**
 * Cross-attention injection, experimental and of this project: queries from the prompts of one modality, keys and values from the other's. Papers speak of "cross-modal
 * attention"; no released code has it. Queries come from the modality that receives, so the result has its width.
 *
 * Pre-norm: h = Attention(LN(target), LN(source)); h = h + FFN(LN(h)); Linear(LN(h)). Post-norm: h = LN(Attention(target, source));
 * h = LN(h + FFN(h)); Linear(h). The target is not added here: the injection adds it.
 */
import type { LayerNorm, Linear } from '@mudpt/autograd';
import { attention, reshape, scope, select, type Tensor } from '@mudpt/tensor';
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
import { FeedForward, headsOf, lastLinear, named, norm, outProjection, type PartOptions, xavier } from './parts.ts';
import type { NormForm } from './transformer.ts';

class CrossMap implements LayerMap {
  readonly learnable: readonly (readonly [string, Tensor])[];
  private readonly heads: number;
  private readonly outer: { readonly target: LayerNorm; readonly source: LayerNorm } | undefined;
  private readonly query: Linear;
  private readonly keyValue: Linear;
  private readonly out: Linear;
  private readonly norm1: LayerNorm;
  private readonly feedForward: FeedForward;
  private readonly norm2: LayerNorm;
  private readonly project: Linear;

  constructor(
    [sourceWidth, width]: readonly [number, number],
    name: string,
    { form, zeroInit, ...options }: PartOptions & { readonly form: NormForm; readonly zeroInit: boolean },
  ) {
    this.heads = headsOf(width);
    this.outer = form === 'pre' ? { target: norm(width, options), source: norm(sourceWidth, options) } : undefined;
    this.query = xavier(width, width, options);
    this.keyValue = xavier(sourceWidth, 2 * width, options, width);
    this.out = outProjection(width, options);
    this.norm1 = norm(width, options);
    this.feedForward = new FeedForward(width, options);
    this.norm2 = norm(width, options);
    this.project = lastLinear(width, width, { ...options, zeroInit });
    this.learnable = [
      ...(this.outer ? [...named(`${name}.ln_target`, this.outer.target), ...named(`${name}.ln_source`, this.outer.source)] : []),
      ...named(`${name}.attn.query`, this.query),
      ...named(`${name}.attn.key_value`, this.keyValue),
      ...named(`${name}.attn.out_proj`, this.out),
      ...named(`${name}.ln_1`, this.norm1),
      ...named(`${name}.mlp.c_fc`, this.feedForward.up),
      ...named(`${name}.mlp.c_proj`, this.feedForward.down),
      ...named(`${name}.ln_2`, this.norm2),
      ...named(`${name}.proj`, this.project),
    ];
  }

  forward(source: Tensor, target: Tensor, { isAdded = false }: AddingOptions = {}): Tensor {
    return scope(() => {
      const fused = isAdded ? { residual: target } : {};
      const { outer, norm1, norm2, feedForward, project } = this;
      if (!outer) {
        const mixed = norm1.forward(this.attend(source, target));
        return project.forward(norm2.forward(feedForward.forward(mixed, mixed)), fused);
      }
      const mixed = this.attend(outer.source.forward(source), outer.target.forward(target));
      return project.forward(norm2.forward(feedForward.forward(norm1.forward(mixed), mixed)), fused);
    });
  }

  private attend(source: Tensor, target: Tensor): Tensor {
    const [layers, n, width] = target.shape as [number, number, number];
    const head = [this.heads, width / this.heads];
    const queries = reshape(this.query.forward(target), [layers, n, ...head]);
    const both = reshape(this.keyValue.forward(source), [...source.shape.slice(0, 2), 2, ...head]);
    const mixed = attention(queries, select(both, 2, 0), select(both, 2, 1));
    return this.out.forward(reshape(mixed, target.shape));
  }
}

export class CrossAttentionInjection implements Injection {
  readonly learnable: ReadonlyMap<string, Tensor>;
  private readonly toImage: readonly CrossMap[];
  private readonly toText: readonly CrossMap[];

  constructor(private readonly options: InjectionOptions & PartOptions & { readonly form: NormForm }) {
    const { depth, textWidth, imageWidth, layer0, perLayer } = options;
    const maps = (name: string, widths: readonly [number, number], first: number): CrossMap[] =>
      mapNames(name, depth, { perLayer })
        .slice(perLayer ? first : 0)
        .map((map) => new CrossMap(widths, map, options));
    this.toImage = maps('injection.text_to_image', [textWidth, imageWidth], layer0 ? 0 : 1);
    this.toText = maps('injection.image_to_text', [imageWidth, textWidth], 1);
    this.learnable = new Map([...this.toImage, ...this.toText].flatMap((map) => map.learnable));
  }

  inject({ text, image }: Prompts, adding: AddingOptions = {}): Injected {
    const { layer0, perLayer } = this.options;
    const which = { withFirst: layer0 };
    const toImage = { source: layered(text, which), target: layered(image, which), perLayer, ...adding };
    const toText = { source: image.deep, target: text.deep, perLayer, ...adding };
    const { first, deep } = unlayered(toImage.source.size > 0 ? mapLayers(this.toImage, toImage) : undefined, which);
    const textDeep = text.deep.size > 0 ? mapLayers(this.toText, toText) : undefined;
    return { imageFirst: first, imageDeep: deep, textDeep };
  }
}
