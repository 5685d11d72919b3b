export type { ClassContext } from './class-context.ts';
export { describeEconomy, type Economy, KEEP_ALL, RECOMPUTE, type TowerEconomy } from './economy.ts';
export { MethodError } from './errors.ts';
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
