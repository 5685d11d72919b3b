export { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
export {
  describeRematerialization,
  type Rematerialization,
  KEEP_ALL,
  RECOMPUTE,
  type TowerRematerialization,
} from '../method/rematerialization.ts';
export { MethodError } from '../method/errors.ts';
export { contextStart, randomPrompts } from '../prompts/initial.ts';
export { cosineLogits, type Learner, PromptedClip } from '../prompts/prompted.ts';
export { depth, expectDepth, initWords, length } from '../method/settings.ts';
export { placeContext, prefixWriter, type SlotRow, templateWriter, type Writer } from '../prompts/tokens.ts';
export { fixedText, leadingContext, type Wording } from '../prompts/wording.ts';
export type {
  CreationContext,
  FeatureMethod,
  FeatureSet,
  FitData,
  FitProgress,
  FitReport,
  Method,
  MethodContext,
  Outputs,
  PromptLayout,
  PromptMethod,
  PromptPlace,
  StepLoss,
  TowerPrompts,
} from '../method/method.ts';
export { methodContext } from '../method/method.ts';
export { aggregationWeights } from './promptsrc.ts';
export type { LayerRows, TextPath } from '../prompts/text-prompts.ts';
export { type TrainingInput, trainingPreset, type TrainingSettings } from '../method/training-settings.ts';
export { defineMethod, type MethodDefinition, type MethodStatement, type MethodVariant } from '../method/definition.ts';
export { methodNamed, methodNames } from './registry.ts';
