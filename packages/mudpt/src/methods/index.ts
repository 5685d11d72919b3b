export { type ClassContext, expectNoSubclass } from './class-context.ts';
export { describeEconomy, type Economy, KEEP_ALL, RECOMPUTE, type TowerEconomy } from './economy.ts';
export { MethodError } from './errors.ts';
export { contextStart, randomPrompts } from './initial.ts';
export { cosineLogits, type Learner, PromptedClip } from './prompted.ts';
export { depth, expectDepth, initWords, length } from './settings.ts';
export { placeContext, prefixWriter, type SlotRow, templateWriter, type Writer } from './tokens.ts';
export { fixedText, leadingContext, type Wording } from './wording.ts';
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
} from './method.ts';
export { methodContext } from './method.ts';
export { aggregationWeights } from './promptsrc.ts';
export type { LayerRows, TextPath } from './text-prompts.ts';
export { type TrainingInput, trainingPreset, type TrainingSettings } from './presets.ts';
export { defineMethod, type MethodDefinition, type MethodStatement, type MethodVariant } from './definition.ts';
export { methodNamed, methodNames } from './registry.ts';
