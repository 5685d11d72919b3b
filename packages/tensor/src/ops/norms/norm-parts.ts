/** Norms of the results of split products: their kernels add up the partial sums, in place of a dispatch of its own. */
import type { Storage } from '../../engine/storage.ts';
import { takeSums } from '../../kernels/gemm/unsummed.ts';
import type { RowView } from '../../kernels/row-launch.ts';
import type { Tensor } from '../../tensor.ts';

/** Storage buffers of the forward kernel with parts: x, weight, bias, out, rstd, mean or prefix, and three of the product. */
export const FORWARD_BUFFERS = 9;
/** Those of the backward: x, grad, weight, rstd, dx, residual_grad, the parts, and mean or, with a prefix, prefix and its gradient. */
export const BACKWARD_BUFFERS = 8;

type Parts = { readonly buffers: Readonly<Record<string, Storage>>; readonly params: Readonly<Record<string, number | boolean>> };

/**
 * Bindings and parameters of PARTS 1 of norm/forward.wgsl, where the last thing recorded was the adding up of x. Call it when all else is ready: the
 * kernel has to be recorded next.
 * @param unit elements that the kernel reads at once
 */
export function partsOf(x: Tensor, buffers: number, unit: number): Parts | undefined {
  const sums = takeSums(x, buffers, unit);
  if (!sums) return undefined;
  const { partial, splits, bias, residual } = sums;
  return {
    buffers: { partial, part_bias: bias?.storage ?? partial, part_residual: residual?.storage ?? partial },
    params: {
      parts: splits,
      part_size: x.size / unit,
      part_bias_offset: (bias?.offset ?? 0) / unit,
      part_residual_offset: (residual?.offset ?? 0) / unit,
      has_part_bias: bias !== undefined,
      has_part_residual: residual !== undefined,
    },
  };
}

/** As {@link partsOf} for the cotangent that norm/backward.wgsl reads. */
export function cotangentParts({ tensor: grad }: RowView, buffers: number, unit: number): Parts | undefined {
  const sums = takeSums(grad, buffers, unit, true);
  return sums && { buffers: { partial: sums.partial }, params: { parts: sums.splits, part_size: grad.size / unit } };
}
