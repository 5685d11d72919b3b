/** Cosine logits of CLIP: scaled products of unit features; and the distance that goes with them. */
import { l2Normalize, matmul, mean, mul, scope, sub, sum, type Tensor } from '@mudpt/tensor';

/** Cosines times `scale`: image features [B, e] and text features [C, e], not normalised, give [B, C]. */
export function cosineLogits(image: Tensor, text: Tensor, scale: number): Tensor {
  using images = l2Normalize(image);
  using texts = l2Normalize(text);
  return matmul(images, texts, { transposeB: true, alpha: scale });
}

/** 1 minus the mean over rows of their cosine: features [N, e], not normalised, and unit vectors [N, e]. */
export function cosineDistance(features: Tensor, units: Tensor): Tensor {
  return scope(() => sub(1, mean(sum(mul(l2Normalize(features), units), [-1]))));
}
