export { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
export { defineMethod, type MethodDefinition, type MethodStatement } from '../method/definition.ts';
export { MethodError } from '../method/errors.ts';
export type {
  CreationContext,
  FeatureMethod,
  FeatureSet,
  FitData,
  FitProgress,
  FitReport,
  FrozenInputs,
  GradientRule,
  LayerTokens,
  Method,
  MethodContext,
  Outputs,
  PromptMethod,
  StepLoss,
  Teacher,
  TextPath,
  TowerPrompts,
} from '../method/method.ts';
export { combinedGradients, gradientParts, type GradientParts, stepGradients } from '../method/gradients.ts';
export { methodContext } from '../method/method.ts';
export {
  type ContextPosition,
  type FeatureParameters,
  type LayerPrompt,
  layoutOf,
  type ParameterShapes,
  type PromptLayout,
  type PromptPlace,
  promptSpec,
  type PromptSpec,
  type TextPromptSpec,
  type TowerPromptSpec,
} from '../method/prompt-spec.ts';
export { type MethodVariant, type Protocol, PROTOCOLS, type PublishedSettings } from '../method/published.ts';
export {
  describeRematerialization,
  KEEP_ALL,
  RECOMPUTE,
  SELECTIVE,
  type Rematerialization,
  type TowerRematerialization,
} from '../method/rematerialization.ts';
export { depth, expectDepth, initWords, length } from '../method/settings.ts';
export { augmentationOf, type TrainingInput, trainingPreset, type TrainingSettings } from '../method/training-settings.ts';
export { cosineDistance, cosineLogits } from '../prompts/cosine.ts';
export { deepContext, type DeepContextOptions } from '../prompts/deep-context.ts';
export { GuidedClip } from '../prompts/guided.ts';
export { independentPrompts, type IndependentOptions } from '../prompts/independent.ts';
export { contextStart, randomPrompts } from '../prompts/initial.ts';
export {
  AFTER_PATCHES,
  AFTER_START,
  computedPrompts,
  type DeclaredPrompts,
  separatePrompts,
  stackedPrompts,
  type TokenShape,
} from '../prompts/layers.ts';
export { drawPrompts, LearntPrompts, type PromptLearner, shapesOf } from '../prompts/learner.ts';
export { placeContext, type PromptIds } from '../prompts/texts/prompt-ids.ts';
export { literalTemplate, prefixTemplate, type PromptTemplate, textTemplate } from '../prompts/texts/prompt-template.ts';
export { type Ownership, PromptedClip } from '../prompts/prompted.ts';
export { adapterOutput } from './clip-adapter.ts';
export { CoPrompt } from './coprompt.ts';
export { LpPlusPlus, type LpSettings } from './lp-plus-plus.ts';
export { featuresBeforeProjection } from './prolip.ts';
export { aggregationWeights } from './promptsrc.ts';
export { methodNamed, methodNames, registerMethod } from './registry.ts';
export { type Branches, Mmrl } from './mmrl.ts';
