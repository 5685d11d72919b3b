/** What methods use of a frozen CLIP: the shape of `@mudpt/clip`'s towers, so that methods can be built and tested on any model that has it. */
import type { Device, PackedSequences, Tensor } from '@mudpt/tensor';

/** Sees the input of block `layer` and returns what the block shall read instead; never disposes `x`. */
export type BlockHook = (x: Tensor, layer: number) => Tensor;

export interface FrozenImageTower {
  readonly config: { readonly width: number; readonly layers: number; readonly heads: number };
  /** Images [B, 3, H, W] to features [B, embed], not normalised. `append` [n, width] are rows behind the patches. */
  forward(images: Tensor, options?: { readonly append?: Tensor; readonly hook?: BlockHook }): Tensor;
}

export interface FrozenTextTower {
  readonly config: {
    readonly width: number;
    readonly layers: number;
    readonly heads: number;
    readonly context: number;
    readonly vocabulary: number;
  };
  /** Token embeddings [C, T, width] of ids, without positions. */
  embed(ids: readonly (readonly number[])[]): Tensor;
  /** Features [C, embed], not normalised. `eot` is the row of each text whose state becomes its feature. */
  forward(
    input: { readonly embeddings: Tensor; readonly eot: readonly number[] },
    options?: { readonly hook?: BlockHook },
  ): Tensor;
  /** The same for texts that share their first rows, which are computed once. The hook sees the prefix [p, width] only. */
  forwardPacked(
    input: {
      readonly prefix?: Tensor;
      readonly rows: Tensor;
      readonly sequences: PackedSequences;
      readonly eot: readonly number[];
    },
    options?: { readonly hook?: BlockHook },
  ): Tensor;
}

export interface FrozenClip {
  readonly device: Device;
  readonly config: { readonly embed: number };
  readonly image: FrozenImageTower;
  readonly text: FrozenTextTower;
  /** exp(logit_scale): 100 in the published models. */
  readonly scale: number;
  readonly tokenizer: { encode(text: string): readonly number[] };
}
