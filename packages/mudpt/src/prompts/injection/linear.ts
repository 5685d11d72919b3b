/**
 * Linear injection, as in the released trainer named MuDPT: one linear from text to image for the first layer, one for the
 * others, one from image to text.
 */
import type { Linear } from '@mudpt/autograd';
import type { Tensor } from '@mudpt/tensor';
import {
  type AddingOptions,
  type Injected,
  type Injection,
  type InjectionOptions,
  type LayerMap,
  mapLayers,
  mapNames,
  type Prompts,
} from './injection.ts';
import { lastLinear, named, type PartOptions } from './parts.ts';

class LinearMap implements LayerMap {
  readonly learnable: readonly (readonly [string, Tensor])[];
  private readonly linear: Linear;

  constructor([inputs, outputs]: readonly [number, number], name: string, options: PartOptions & { readonly zeroInit: boolean }) {
    this.linear = lastLinear(inputs, outputs, options);
    this.learnable = named(name, this.linear);
  }

  forward(source: Tensor, target: Tensor, { isAdded = false }: AddingOptions = {}): Tensor {
    return this.linear.forward(source, isAdded ? { residual: target } : {});
  }
}

export class LinearInjection implements Injection {
  readonly learnable: ReadonlyMap<string, Tensor>;
  private readonly first: LinearMap | undefined;
  private readonly toImage: readonly LinearMap[];
  private readonly toText: readonly LinearMap[];

  constructor(private readonly options: InjectionOptions & PartOptions) {
    const { depth, textWidth, imageWidth, layer0, perLayer } = options;
    const maps = (name: string, widths: readonly [number, number]): LinearMap[] =>
      mapNames(name, depth - 1, { perLayer }).map((map) => new LinearMap(widths, map, options));
    this.first = layer0 ? new LinearMap([textWidth, imageWidth], 'mudpt_prompt_learner.embed_projection', options) : undefined;
    this.toImage = maps('mudpt_prompt_learner.deep_projections', [textWidth, imageWidth]);
    this.toText = maps('image_encoder.visual_ctx_deep_projections', [imageWidth, textWidth]);
    const all = [...(this.first ? [this.first] : []), ...this.toImage, ...this.toText];
    this.learnable = new Map(all.flatMap((map) => map.learnable));
  }

  inject({ text, image }: Prompts, adding: AddingOptions = {}): Injected {
    const { perLayer } = this.options;
    const imageFirst = this.first?.forward(text.first, image.first, adding);
    if (text.deep.size === 0) return { imageFirst, imageDeep: undefined, textDeep: undefined };
    return {
      imageFirst,
      imageDeep: mapLayers(this.toImage, { source: text.deep, target: image.deep, perLayer, ...adding }),
      textDeep: mapLayers(this.toText, { source: image.deep, target: text.deep, perLayer, ...adding }),
    };
  }
}
