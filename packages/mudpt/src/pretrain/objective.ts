/** The contrastive objective, and its gradient over a batch larger than what fits at once. */
import {
  add,
  addInto,
  cat,
  contiguousCopy,
  crossEntropy,
  exp,
  l2Normalize,
  logSoftmax,
  matmul,
  mul,
  narrow,
  scope,
  sum,
  type Tensor,
  TensorError,
  transpose,
} from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { Gradients, Tape } from '@mudpt/autograd';
import type { Clip, ImageTower, TextTower } from '@mudpt/clip';

/** A batch of B images and the U different captions they have. */
export type PairBatch = {
  /** [B, 3, size, size] */
  readonly images: Tensor;
  /** i32 [U, T], padded after the ends. */
  readonly ids: Tensor;
  /** i32 [B]: each image's caption. */
  readonly captions: Tensor;
  /** [U, B]: 1 / (captions x images of the caption) where the image has the caption, else 0. Rows of padding are 0. */
  readonly weights: Tensor;
  /** [U]: 0, or a very negative number for rows that are padding. */
  readonly mask: Tensor;
};

/**
 * CLIP's symmetric loss, with equal captions as one text whose positives are all its images: the mean over images of the cross-entropy over
 * captions, and the mean over captions of the mean over their images of the cross-entropy over images; half of each.
 * @param images features [B, embed], not normalised
 * @param texts features [U, embed], not normalised
 * @param logitScale scalar: logarithm of the factor
 */
export function contrastiveLoss(
  images: Tensor,
  texts: Tensor,
  logitScale: Tensor,
  { captions, weights, mask }: Pick<PairBatch, 'captions' | 'weights' | 'mask'>,
): Tensor {
  return scope(() => {
    const cosines = matmul(l2Normalize(images, -1), l2Normalize(texts, -1), { transposeB: true });
    const logits = mul(cosines, exp(logitScale));
    const toTexts = crossEntropy(add(logits, mask), captions);
    const toImages = sum(mul(logSoftmax(transpose(logits, 0, 1), -1), weights));
    return mul(add(toTexts, mul(toImages, -1)), 0.5);
  });
}

export type LossAndGradients = { readonly loss: Tensor; readonly gradients: Gradients };

/**
 * Loss and gradients of a batch. With `chunk` images at a time the memory is that of a chunk, and the gradient the same: all features
 * are computed first without keeping anything; the loss gives their gradients; then every chunk runs a second time and takes its part
 * of them back to the weights (Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", 2021).
 *
 * @param chunk divides the number of images; default: all at once, in one pass
 */
export function contrastiveGradients(clip: Clip, batch: PairBatch, chunk = nth(batch.images.shape, 0)): LossAndGradients {
  const { image, text, logitScale } = clip;
  const count = nth(batch.images.shape, 0);
  if (!image || !text) throw new TensorError('contrastiveGradients', 'a tower is missing', 'load both');
  if (!(chunk > 0) || count % chunk !== 0)
    throw new TensorError('contrastiveGradients', `chunks of ${chunk} do not divide ${count} images`, 'choose a divisor');
  return scope(() =>
    chunk === count ? inOnePass(image, text, logitScale, batch) : inTwoPasses(image, text, logitScale, batch, chunk),
  );
}

function inOnePass(image: ImageTower, text: TextTower, logitScale: Tensor, batch: PairBatch): LossAndGradients {
  using tape = new Tape();
  const loss = contrastiveLoss(image.forward(batch.images), text.forward(batch.ids), logitScale, batch);
  return { loss, gradients: tape.backward(loss) };
}

function inTwoPasses(image: ImageTower, text: TextTower, logitScale: Tensor, batch: PairBatch, chunk: number): LossAndGradients {
  const count = nth(batch.images.shape, 0);
  const parts = Array.from({ length: count / chunk }, (_, index) => [index * chunk, chunk] as const);
  const total = new Gradients();
  const imageFeatures = cat(parts.map(([start, length]) => image.forward(narrow(batch.images, 0, start, length))));
  const textFeatures = text.forward(batch.ids);
  const { loss, upper } = lossOfFeatures(imageFeatures, textFeatures, logitScale, batch);
  total.set(logitScale, upper.of(logitScale));
  const collect = (forward: () => Tensor, cotangent: Tensor): void => {
    using part = new Tape();
    for (const [weight, gradient] of part.backward(forward(), cotangent)) {
      const sofar = total.get(weight);
      if (sofar) addInto(sofar, gradient);
      else total.set(weight, contiguousCopy(gradient));
    }
  };
  collect(() => text.forward(batch.ids), upper.of(textFeatures));
  for (const [start, length] of parts)
    collect(() => image.forward(narrow(batch.images, 0, start, length)), narrow(upper.of(imageFeatures), 0, start, length));
  return { loss, gradients: total };
}

/** The loss, and its gradients to the features and the scale. */
function lossOfFeatures(images: Tensor, texts: Tensor, logitScale: Tensor, batch: PairBatch) {
  using tape = new Tape();
  tape.watch(images);
  tape.watch(texts);
  const loss = contrastiveLoss(images, texts, logitScale, batch);
  return { loss, upper: tape.backward(loss) };
}
