/** The sigmoid loss of image-text pairs. Source: Zhai and others, arXiv 2303.15343 (SigLIP), and transformers' SiglipModel. */
import { logSigmoid, mul, scope, ShapeError, sum, type Tensor, tensor } from '@mudpt/tensor';

/**
 * Minus the mean over rows of the sum over columns of log sigmoid(z logits), where z is 1 for the pairs (the diagonal) and -1 elsewhere: every pair of
 * image and text counts alone. Has gradients.
 * @param logits [B, B], of `Clip.similarity`: scaled, and with the bias
 * @returns a scalar
 * @throws ShapeError unless there are as many texts as images
 */
export function sigmoidLoss(logits: Tensor): Tensor {
  const [images = 0, texts = 0] = logits.shape;
  if (logits.rank !== 2 || images !== texts || images === 0)
    throw new ShapeError(
      'sigmoidLoss',
      `logits have shape [${logits.shape.join(', ')}]`,
      'give [B, B], the text of image i in column i',
    );
  return scope(() => {
    const signs = new Float32Array(images * images).fill(-1);
    for (let pair = 0; pair < images; pair += 1) signs[pair * (images + 1)] = 1;
    const pairs = tensor(signs, { shape: [images, images], device: logits.device });
    return mul(sum(logSigmoid(mul(logits, pairs))), -1 / images);
  });
}
