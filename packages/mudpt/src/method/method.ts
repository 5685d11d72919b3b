/**
 * The interface of a method to the trainer, the evaluation and the reports. Two kinds: methods whose step learns prompts from images through
 * both towers, and methods that are fitted to features of the frozen image tower.
 */
import type { Random } from '@mudpt/autograd';
import type { BlockAdapter, Clip, ImageTower, PromptTokens, TextTokenizer, TextTower } from '@mudpt/clip';
import type { Device, Tensor } from '@mudpt/tensor';
import type { ClassContext } from './class-context.ts';
import type { Rematerialization } from './rematerialization.ts';
import { MethodError } from './errors.ts';
import type { PromptSpec } from './prompt-spec.ts';

/** Texts to ids and back. */
export type TextCodec = Pick<TextTokenizer, 'encode' | 'decode'>;

/**
 * `auto` packs where it is valid; `plain` pads to the longest text; `full` pads to the whole context, as the released code does. Towers that are not
 * causal (SigLIP's) always run whole contexts.
 */
export type TextPath = 'auto' | 'packed' | 'plain' | 'full';

/** Prompt tokens by layer, [n, width] each; undefined: the block reads the outputs of the one before. */
export type LayerTokens = PromptTokens['layers'];

/** Prompt tokens of both towers; a tower without any runs as it is. Their positions are in the method's {@link PromptSpec}. */
export type TowerPrompts = {
  /** Layer 0: the context tokens that the texts refer to, those of all contexts one after the other. */
  readonly text?: LayerTokens;
  readonly image?: LayerTokens;
};

/** Adapters of both towers by layer; a tower without any runs as it is. */
export type TowerAdapters = {
  readonly text?: readonly (BlockAdapter | undefined)[];
  readonly image?: readonly (BlockAdapter | undefined)[];
};

/** Outputs of a forward pass. Features are those before normalisation. */
export type Outputs = {
  /** [B, C] */
  readonly logits: Tensor;
  /** [B, embed] */
  readonly imageFeatures: Tensor;
  /** [C, embed]; [B, C, embed] where the texts depend on the image (CoCoOp). */
  readonly textFeatures: Tensor;
};

/** A step's loss, the forward outputs, and its terms for curves (`crossEntropy`, ...). The terms are weighted: they add up to the loss. */
export type StepLoss = {
  readonly loss: Tensor;
  readonly outputs: Outputs;
  readonly terms: Readonly<Record<string, Tensor>>;
  /** Other losses, of which a {@link GradientRule} takes the gradients alone; absent for most. */
  readonly guides?: Readonly<Record<string, Tensor>>;
};

/** How the gradient that an optimizer gets is made of those of several losses (ProGrad). */
export type GradientRule = {
  /** Names of the losses that `StepLoss.guides` has. */
  readonly guides: readonly string[];
  /**
   * The gradient of one parameter, from that of the loss and those of the guides, all of the parameter's shape. Captured: it reads nothing from the
   * device. With accumulated batches it gets the averages over all of them.
   */
  combine(ofLoss: Tensor, ofGuides: Readonly<Record<string, Tensor>>): Tensor;
};

/** The common part of both kinds of methods. */
interface Learnt {
  /** The registry's name. */
  readonly name: string;
  /** By label. */
  readonly classNames: readonly string[];
  /** Learnt tensors by the authors' names: the contents of a prompt file. Empty for zero-shot. */
  readonly learnable: ReadonlyMap<string, Tensor>;
  /** Further state that a checkpoint needs to continue with the same bits (running averages); empty for most. Not part of a prompt file. */
  readonly state: ReadonlyMap<string, Tensor>;
  /** Releases the tensors it created. Those of the CLIP stay, and so do learnt tensors that another instance created. */
  dispose(): void;
}

/**
 * Learns by gradient steps on images. `forward`, `loss`, `textFeatures` and `evaluate` can be captured: they keep no state on the host
 * between calls and read nothing from the device.
 */
export interface PromptMethod extends Learnt {
  readonly kind: 'prompts';
  /** The learnt tensors, and where they enter the towers. */
  readonly spec: PromptSpec;
  /** The text of the first class as the text tower reads it, between start and end, a context token drawn as `[v]`: `[v] [v] dog .` */
  readonly example: string;
  /**
   * Text features [embed] that {@link evaluate} holds for each image: the number of classes where the texts depend on the image, else 0. It
   * decides how many images are evaluated at once.
   */
  readonly textsPerImage: number;
  /** images [B, 3, H, W], normalised as the CLIP wants them. */
  forward(images: Tensor): Outputs;
  /**
   * 2: the loss needs a second random view of each image, and the trainer augments each one twice. Absent: it reads one view.
   */
  readonly views?: 2;
  /** Set when the loss reads images only through a frozen part of the model, whose outputs can be computed beforehand. Absent: it reads images. */
  readonly inputs?: FrozenInputs;
  /** labels [B] i32. @param images2 the second views of the images, in their shape, where {@link views} is 2 */
  loss(images: Tensor, labels: Tensor, images2?: Tensor): StepLoss;
  /** Factors of the learning rate, by name of what is learnt; 1 for those that it does not name. Absent: one rate for all. */
  readonly rateFactors?: ReadonlyMap<string, number>;
  /** Advice before training, one sentence each. Absent: none. */
  readonly remarks?: readonly string[];
  /** Absent: the optimizer gets the gradient of the loss. Gradients of a step are those of `stepGradients`. */
  readonly gradientRule?: GradientRule;
  /** The prompt tokens that both towers get now; undefined where they depend on the image. Call it in a scope. */
  prompts(): TowerPrompts | undefined;
  /** Text features [C, embed], to compute once and pass to {@link evaluate}; undefined where they depend on the image. */
  textFeatures(): Tensor | undefined;
  /** Logits [B, C]. @param textFeatures what {@link textFeatures} gave; computed anew when left out */
  evaluate(images: Tensor, textFeatures?: Tensor): Tensor;
  /**
   * The logits of {@link evaluate}, and the image features [B, embed] they were made of, not normalised. Optional: without it reports draw no
   * features after learning.
   */
  evaluateWithFeatures?(images: Tensor, textFeatures?: Tensor): Pick<Outputs, 'logits' | 'imageFeatures'>;
  /**
   * Changes how much is kept for the backward of `loss` from now on; its numbers are the same, up to the order of sums. Steps captured before
   * keep the old setting and must not be replayed any more.
   */
  rematerialize(rematerialization: Rematerialization): void;
  /**
   * The trainer calls this after the last step of each epoch, counted from 0, outside of captured steps. May change the learnt tensors
   * (PromptSRC's aggregation does after the last epoch).
   */
  endEpoch?(epoch: number, epochs: number): void;
  /**
   * The same method with the same learnt tensors for other classes and another data set's template. Disposing the result leaves them alive.
   * @throws MethodError when the learnt tensors are specific to their classes (class-specific contexts), and from `loss` of the
   * result where the loss needs more of the classes than their texts (PromptSRC)
   */
  forContext(other: ClassContext): PromptMethod;
}

/** Inputs of a loss in place of images, computed once for each of several augmentations. */
export type FrozenInputs = {
  /** Augmentations of each image, which epochs use in turn: epoch e reads number (e + 1) mod views. */
  readonly views: number;
  /** Width of the inputs that {@link of} gives. */
  readonly width: number;
  /** The inputs [B, width] of images [B, 3, H, W]; nothing in them is learnt. */
  of(images: Tensor): Tensor;
};

/** Features of images [N, embed] by the frozen image tower, not normalised, on the device, and their labels. */
export type FeatureSet = { readonly features: Tensor; readonly labels: Int32Array };

/** Features of images that a method is fitted to. */
export type FitData = {
  /** Test transform, one view of each image. */
  readonly train: FeatureSet;
  /** To choose hyper-parameters on; never the test set. Undefined: the defaults are used, and `fit` says so in its report. */
  readonly val: FeatureSet | undefined;
  /** Features of the training images under random augmentation, one set for each pass (see {@link FeatureMethod.augmentedPasses}). */
  readonly augmented: readonly FeatureSet[];
};

/** The outcome of fitting: chosen hyper-parameters, accuracy on validation in percent, remarks in whole sentences. */
export type FitReport = {
  readonly chosen: Readonly<Record<string, number>>;
  readonly valAccuracy: number | undefined;
  readonly remarks: readonly string[];
};

/** Called as fitting goes on; `of` is the number of units expected. Throw to stop. */
export type FitProgress = (done: number, of: number, what: string) => void;

/** Fitted to features of the frozen image tower. */
export interface FeatureMethod extends Learnt {
  readonly kind: 'features';
  /** How many augmented passes over the training images `fit` needs. */
  readonly augmentedPasses: number;
  /** Smallest and largest share of an image that the random crops of those passes take. */
  readonly cropScale: readonly [number, number];
  /**
   * Restores tensors learnt before: those of `learnable`, by name. The caller may dispose its handles afterwards.
   * @throws MethodError when a tensor is missing or has an impossible shape
   */
  restore(learnt: ReadonlyMap<string, Tensor>): Promise<void>;
  fit(data: FitData, progress?: FitProgress): Promise<FitReport>;
  /** Logits [B, C] of features [B, embed], not normalised. @throws MethodError before `fit` or `restore` */
  evaluate(features: Tensor): Tensor;
  /**
   * The same method with its current learnt tensors, for other classes and another data set's template. Disposing either leaves the other intact.
   * @throws MethodError where the learnt tensors are specific to their classes
   */
  forContext(other: ClassContext): FeatureMethod;
}

/** A method: one that learns prompts by steps, or one that is fitted to features. */
export type Method = PromptMethod | FeatureMethod;

/** The inputs of every method; create one with {@link methodContext}. */
export type MethodContext = ClassContext & {
  readonly device: Device;
  /** Frozen, and alive as long as the method. */
  readonly image: ImageTower;
  readonly text: TextTower;
  /** Channels of the features. */
  readonly embed: number;
  /** Factor of the cosines, exp(logit_scale): 100 in the published models. SigLIP's bias is left out: it moves all logits alike. */
  readonly scale: number;
  readonly tokenizer: TextCodec;
  /** Draws the initial values. */
  readonly seed: number;
  /** How texts run; default `auto`. The numbers are the same. */
  readonly textPath?: TextPath;
  /** What the loss keeps for the backward at first; default everything. See {@link PromptMethod.rematerialize}. */
  readonly rematerialization?: Rematerialization;
  /** The names of the classes that were trained on, where they are others. */
  readonly learntOn?: readonly string[];
  /** The teacher of a method whose definition says `needsTeacher`; the method takes it over and disposes it. */
  readonly teacher?: Teacher;
};

/** A second model with what was learnt on it, in the memory of the same device: nothing of it is learnt any more. */
export type Teacher = {
  /** Name to show. */
  readonly name: string;
  /** The method for the classes it was trained on; `forContext` gives it for those that it teaches. */
  readonly method: PromptMethod;
  /** Channels of its features. */
  readonly embed: number;
  /** Device memory that it takes, in bytes. */
  readonly bytes: number;
  /** Releases the model; more calls do nothing. */
  dispose(): void;
};

/** The argument of a method's `create`. */
export type CreationContext = MethodContext & {
  /** The one random stream of all initial values, begun at `seed`: draw from it, and never begin another. */
  readonly random: Random;
};

/** The inputs of a method, from a CLIP and classes. @throws MethodError when the CLIP was loaded without one of its towers */
export async function methodContext(
  clip: Clip,
  rest: Pick<MethodContext, keyof ClassContext | 'seed' | 'textPath' | 'rematerialization'>,
): Promise<MethodContext> {
  const { device, image, text } = clip;
  if (!image || !text)
    throw new MethodError('method', `the CLIP has no ${image ? 'text' : 'image'} tower`, 'load it with both towers');
  const [tokenizer, logScale] = [await clip.tokenizer(), await clip.logitScale.item()];
  return { device, image, text, embed: clip.config.embed, scale: Math.exp(logScale), tokenizer, ...rest };
}
