/**
 * MuDPT's injection, which adds a function of one modality's prompts to the other's. Its inputs are the original prompts, never the sums, so there
 * is no recursion.
 */
import { cat, narrow, reshape, split, type Tensor } from '@mudpt/tensor';

/** Prompts of one modality, n tokens a layer: [n, width] for the first layer, [L - 1, n, width] for the others. */
export type LayeredPrompts = { readonly first: Tensor; readonly deep: Tensor };

/** The prompts of both modalities. */
export type Prompts = { readonly text: LayeredPrompts; readonly image: LayeredPrompts };

/** What each modality receives, or with its prompts added the sum; undefined where there is nothing to add. Nothing goes to the text's first layer. */
export type Injected = {
  /** [n, image width] */
  readonly imageFirst: Tensor | undefined;
  /** [L - 1, n, image width] */
  readonly imageDeep: Tensor | undefined;
  /** [L - 1, n, text width] */
  readonly textDeep: Tensor | undefined;
};

export type AddingOptions = {
  /** Whether what receives the result is added to it already, by the products that form it. Default false. */
  readonly isAdded?: boolean;
};

export interface Injection {
  /** Learnt tensors, by the authors' names where they have one. */
  readonly learnable: ReadonlyMap<string, Tensor>;
  inject(prompts: Prompts, options?: AddingOptions): Injected;
}

export type InjectionOptions = {
  /** Layers that take prompts, the first included. */
  readonly depth: number;
  readonly textWidth: number;
  readonly imageWidth: number;
  /** Whether the image's first prompts receive the text's first ones (released code; the paper's figure has it off). */
  readonly layer0: boolean;
  /** A set of weights for every layer instead of one for all. */
  readonly perLayer: boolean;
  /** Begin with a last linear of zeros: training starts from the learnt prompts alone. */
  readonly zeroInit: boolean;
};

/** A map between prompts [layers, n, ...] that treats every layer alone; `source` gives, `target` is where the result will be added. */
export interface LayerMap {
  readonly learnable: readonly (readonly [string, Tensor])[];
  forward(source: Tensor, target: Tensor, options?: AddingOptions): Tensor;
}

type Mapped = AddingOptions & {
  /** [layers, n, width] */
  readonly source: Tensor;
  readonly target: Tensor;
  readonly perLayer: boolean;
};

/** Applies maps to layers first, first + 1, ...: one map to all at once, or `perLayer` a map for each. */
export function mapLayers(maps: readonly LayerMap[], { source, target, perLayer, ...adding }: Mapped): Tensor {
  const [only] = maps;
  if (!perLayer && only) return only.forward(source, target, adding);
  return cat(maps.map((map, layer) => map.forward(narrow(source, 0, layer, 1), narrow(target, 0, layer, 1), adding)));
}

type JoiningOptions = {
  /** Whether the first layer's prompts are among them. Default true. */
  readonly withFirst?: boolean;
};

/** First and deep prompts as one [L, n, width], or the deep ones alone. */
export function layered({ first, deep }: LayeredPrompts, { withFirst = true }: JoiningOptions = {}): Tensor {
  if (!withFirst) return deep;
  const one = reshape(first, [1, ...first.shape]);
  return deep.size === 0 ? one : cat([one, deep]);
}

/** The parts of [L, n, width] that {@link layered} joined. */
export function unlayered(
  joined: Tensor | undefined,
  { withFirst = true }: JoiningOptions = {},
): { readonly first: Tensor | undefined; readonly deep: Tensor | undefined } {
  if (!joined) return { first: undefined, deep: undefined };
  const [layers = 0] = joined.shape;
  if (!withFirst) return { first: undefined, deep: layers > 0 ? joined : undefined };
  if (layers === 1) return { first: reshape(joined, joined.shape.slice(1)), deep: undefined };
  const [first, deep] = split(joined, [1, layers - 1]) as [Tensor, Tensor];
  return { first: reshape(first, joined.shape.slice(1)), deep };
}

/** One name for all layers, or `perLayer` a name for each. */
export function mapNames(name: string, count: number, { perLayer }: Pick<InjectionOptions, 'perLayer'>): string[] {
  return perLayer ? Array.from({ length: count }, (_, layer) => `${name}.layer${layer}`) : [name];
}
