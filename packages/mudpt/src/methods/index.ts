export { MethodError } from './errors.ts';
export type {
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
} from './method.ts';
export { type TrainingInput, trainingPreset, type TrainingSettings } from './presets.ts';
export { defineMethod, type MethodDefinition, type MethodVariant } from './definition.ts';
export { methodNamed, methodNames } from './registry.ts';
