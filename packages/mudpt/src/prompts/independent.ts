/** Independent prompts of both towers, without a network between them: the learner of IVLP, PromptSRC, VPT and deep language prompting. */
import type { Tensor } from '@mudpt/tensor';
import type { CreationContext } from '../method/method.ts';
import { promptSpec } from '../method/prompt-spec.ts';
import { AFTER_PATCHES, AFTER_START, type DeclaredPrompts, separatePrompts, type TokenShape } from './layers.ts';
import { drawPrompts, LearntPrompts, type PromptLearner } from './learner.ts';

/** The first prompts of each tower, and their depths. */
export type IndependentOptions = {
  /** The first context tokens [n, width] (taken over) and the prompt depth; absent: fixed texts. */
  readonly text?: { readonly first: Tensor; readonly depth: number };
  readonly image?: { readonly length: number; readonly depth: number };
};

const TEXT = 'prompt_learner.ctx';
const IMAGE = 'image_encoder.VPT';

/** Names as in MaPLe's and PromptSRC's state dicts. */
function declared(first: string, tower: string, depth: number, shape: TokenShape): DeclaredPrompts {
  const deep = Array.from({ length: depth - 1 }, (_, index) => `${tower}.transformer.resblocks.${index + 1}.VPT_shallow`);
  return separatePrompts([first, ...deep], shape);
}

/**
 * The learner of independent prompts of both towers.
 * @param method for errors
 */
export function independentPrompts(
  method: string,
  context: Pick<CreationContext, 'device' | 'text' | 'image' | 'random'>,
  { text, image }: IndependentOptions,
): PromptLearner {
  const ofText = text && declared(TEXT, 'text_encoder', text.depth, text.first.shape as unknown as TokenShape);
  const ofImage = image && declared(IMAGE, 'image_encoder', image.depth, [image.length, context.image.config.width]);
  const spec = promptSpec(method, {
    parameters: { ...ofText?.parameters, ...ofImage?.parameters },
    ...(ofText && { text: { ...ofText.tower, ...AFTER_START } }),
    ...(ofImage && { image: { ...ofImage.tower, ...AFTER_PATCHES } }),
  });
  // In the order in which the authors' towers and learner are made.
  const imageTensors = ofImage ? drawPrompts(ofImage.parameters, context) : [];
  const textTensors = ofText ? drawPrompts(ofText.parameters, context, { ...(text && { [TEXT]: text.first }) }) : [];
  return new LearntPrompts(spec, new Map([...textTensors, ...imageTensors]));
}
