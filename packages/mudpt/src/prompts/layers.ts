/** Declarations of a tower's prompts by layer, in the usual forms: a parameter for each layer, one for all deep layers, or computed ones. */
import type { LayerPrompt, ParameterShapes, TowerPromptSpec } from '../method/prompt-spec.ts';

/** Shape of the tokens of a layer. */
export type TokenShape = readonly [nCtx: number, width: number];

/** The parameters of a tower's prompts, and the layers that take them. */
export type DeclaredPrompts = { readonly parameters: ParameterShapes; readonly tower: Omit<TowerPromptSpec, 'at'> };

/** Deep text prompts: the context after the start token, replaced in deeper layers. */
export const AFTER_START = { at: 1, position: 'end' } as const;

/** Image prompts: appended to the patches, replaced in deeper layers. */
export const AFTER_PATCHES = { at: 'end' } as const;

/** Layer 0, 1, ... with a parameter each. */
export function separatePrompts(names: readonly string[], shape: TokenShape): DeclaredPrompts {
  const layers = names.map((name, layer): LayerPrompt => ({ layer, learnt: { name } }));
  return { parameters: Object.fromEntries(names.map((name) => [name, shape])), tower: towerOf(shape, layers) };
}

/**
 * Layer 0 with one parameter, and layers 1, 2, ... up to the depth with the parts of another [depth - 1, n, width].
 * @param computedFrom what else reaches layer 0, and the others
 */
export function stackedPrompts(
  { depth, first, deep }: { readonly depth: number; readonly first: string; readonly deep: string },
  shape: TokenShape,
  computedFrom: { readonly first: readonly string[]; readonly deep: readonly string[] } = { first: [], deep: [] },
): DeclaredPrompts {
  const layers = Array.from({ length: depth }, (_, layer): LayerPrompt => {
    if (layer === 0) return { layer, learnt: { name: first }, computedFrom: computedFrom.first };
    return { layer, learnt: { name: deep, index: layer - 1 }, computedFrom: computedFrom.deep };
  });
  return { parameters: { [first]: shape, [deep]: [depth - 1, ...shape] }, tower: towerOf(shape, layers) };
}

/** Layer 0, 1, ... with nothing learnt: a network computes their tokens from the parameters named for each. */
export function computedPrompts(sources: readonly (readonly string[])[], shape: TokenShape): DeclaredPrompts {
  return {
    parameters: {},
    tower: towerOf(
      shape,
      sources.map((computedFrom, layer) => ({ layer, computedFrom })),
    ),
  };
}

function towerOf([nCtx, width]: TokenShape, layers: readonly LayerPrompt[]): DeclaredPrompts['tower'] {
  return { nCtx, width, layers };
}
