/** Cosine logits of CLIP: scaled products of unit features. */
import { l2Normalize, matmul, type Tensor } from '@mudpt/tensor';

/** Cosines times `scale`: image features [B, e] and text features [C, e], not normalised, give [B, C]. */
export function cosineLogits(image: Tensor, text: Tensor, scale: number): Tensor {
  using images = l2Normalize(image);
  using texts = l2Normalize(text);
  return matmul(images, texts, { transposeB: true, alpha: scale });
}
