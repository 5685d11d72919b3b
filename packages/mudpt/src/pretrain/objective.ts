/** The contrastive objective, and its gradient over a batch larger than what fits at once. */
import {
  add,
  addInto,
  cat,
  contiguousCopy,
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

/** What a batch of B images with U different captions is compared by. */
export type PairTargets = {
  /** [B, U]: 1 / (images x captions of the image) where the caption is true of the image, else 0. */
  readonly toTexts: Tensor;
  /** [U, B]: 1 / (captions x images of the caption) where the caption is true of the image, else 0. Rows of padding are 0. */
  readonly toImages: Tensor;
  /** [U]: 0, or a very negative number for rows that are padding. */
  readonly mask: Tensor;
  /** [B, B]: 1 / (B x the row's positives) where two images show one concept, else 0. */
  readonly twins: Tensor;
  /** [B, B]: 0, or a very negative number for an image itself and for pairs that are neither alike nor to be told apart. */
  readonly twinMask: Tensor;
};

export type PairBatch = PairTargets & {
  /** Values of the kept patches [B, K, 3 * patch * patch], and i32 [B, K] where each lies. */
  readonly windows: Tensor;
  readonly places: Tensor;
  /** i32 [U, T], padded after the ends. */
  readonly ids: Tensor;
};

export type ObjectiveOptions = {
  /** Weight of the loss between images. */
  readonly twinWeight: number;
  /** Factor of the similarities between images. */
  readonly twinScale: number;
  /** Images at a time; divides the number of images. Default: all at once, in one pass. */
  readonly chunk?: number;
};

/**
 * CLIP's symmetric loss where several captions can be true of an image and a caption of several images (Yang et al., "Unified Contrastive
 * Learning in Image-Text-Label Space", 2022): the mean over images of the mean over their captions of the cross-entropy over captions, and
 * the same with captions and images exchanged; half of each.
 * @param images features [B, embed], of length 1
 * @param texts features [U, embed], of length 1
 * @param logitScale scalar: logarithm of the factor
 */
export function contrastiveLoss(
  images: Tensor,
  texts: Tensor,
  logitScale: Tensor,
  targets: Pick<PairTargets, 'toTexts' | 'toImages' | 'mask'>,
): Tensor {
  return scope(() => {
    const logits = mul(matmul(images, texts, { transposeB: true }), exp(logitScale));
    const toTexts = sum(mul(logSoftmax(add(logits, targets.mask), -1), targets.toTexts));
    const toImages = sum(mul(logSoftmax(transpose(logits, 0, 1), -1), targets.toImages));
    return mul(add(toTexts, toImages), -0.5);
  });
}

/**
 * Supervised contrast between images (Khosla et al., 2020): drawings of one concept in several styles attract each other.
 * @param images features [B, embed], of length 1
 */
export function twinLoss(images: Tensor, { twins, twinMask }: Pick<PairTargets, 'twins' | 'twinMask'>, scale: number): Tensor {
  return scope(() => {
    const logits = add(mul(matmul(images, images, { transposeB: true }), scale), twinMask);
    return mul(sum(mul(logSoftmax(logits, -1), twins)), -1);
  });
}

export type LossAndGradients = { readonly loss: Tensor; readonly gradients: Gradients };

/**
 * Loss and gradients of a batch. With `chunk` images at a time the memory is that of a chunk, and the gradient the same: all features
 * are computed first without keeping anything; the loss gives their gradients; then every chunk runs a second time and takes its part
 * of them back to the weights (Gao et al., "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup", 2021).
 */
export function contrastiveGradients(clip: Clip, batch: PairBatch, options: ObjectiveOptions): LossAndGradients {
  const { image, text, logitScale } = clip;
  const count = nth(batch.windows.shape, 0);
  const { chunk = count } = options;
  if (!image || !text) throw new TensorError('contrastiveGradients', 'a tower is missing', 'load both');
  if (!(chunk > 0) || count % chunk !== 0)
    throw new TensorError('contrastiveGradients', `chunks of ${chunk} do not divide ${count} images`, 'choose a divisor');
  const model = { image, text, logitScale };
  return scope(() => (chunk === count ? inOnePass(model, batch, options) : inTwoPasses(model, batch, { ...options, chunk })));
}

type Model = { readonly image: ImageTower; readonly text: TextTower; readonly logitScale: Tensor };

function lossOf(images: Tensor, texts: Tensor, logitScale: Tensor, batch: PairTargets, options: ObjectiveOptions): Tensor {
  const [unitImages, unitTexts] = [l2Normalize(images, -1), l2Normalize(texts, -1)];
  const loss = contrastiveLoss(unitImages, unitTexts, logitScale, batch);
  const { twinWeight, twinScale } = options;
  return twinWeight === 0 ? loss : add(loss, mul(twinLoss(unitImages, batch, twinScale), twinWeight));
}

function inOnePass({ image, text, logitScale }: Model, batch: PairBatch, options: ObjectiveOptions): LossAndGradients {
  using tape = new Tape();
  const features = image.features(image.somePatches(batch.windows, batch.places));
  const loss = lossOf(features, text.forward(batch.ids), logitScale, batch, options);
  return { loss, gradients: tape.backward(loss) };
}

function inTwoPasses(
  { image, text, logitScale }: Model,
  batch: PairBatch,
  { chunk, ...options }: ObjectiveOptions & { readonly chunk: number },
): LossAndGradients {
  const count = nth(batch.windows.shape, 0);
  const starts = Array.from({ length: count / chunk }, (_, index) => index * chunk);
  const part = (x: Tensor, start: number): Tensor => narrow(x, 0, start, chunk);
  const featuresFrom = (start: number): Tensor =>
    image.features(image.somePatches(part(batch.windows, start), part(batch.places, start)));
  const total = new Gradients();
  const imageFeatures = cat(starts.map(featuresFrom));
  const textFeatures = text.forward(batch.ids);
  const { loss, upper } = lossOfFeatures(imageFeatures, textFeatures, logitScale, batch, options);
  total.set(logitScale, upper.of(logitScale));
  const collect = (forward: () => Tensor, cotangent: Tensor): void => {
    using tape = new Tape();
    for (const [weight, gradient] of tape.backward(forward(), cotangent)) {
      const sofar = total.get(weight);
      if (sofar) addInto(sofar, gradient);
      else total.set(weight, contiguousCopy(gradient));
    }
  };
  collect(() => text.forward(batch.ids), upper.of(textFeatures));
  for (const start of starts) collect(() => featuresFrom(start), part(upper.of(imageFeatures), start));
  return { loss, gradients: total };
}

/** The loss, and its gradients to the features and the scale. */
function lossOfFeatures(images: Tensor, texts: Tensor, logitScale: Tensor, batch: PairTargets, options: ObjectiveOptions) {
  using tape = new Tape();
  tape.watch(images);
  tape.watch(texts);
  const loss = lossOf(images, texts, logitScale, batch, options);
  return { loss, upper: tape.backward(loss) };
}
