/**
 * Prompt learning without files: methods and their settings, few-shot selection, batches, the training step and the trainer, predictions and their
 * metrics, prompt files as bytes. All of it runs in a page as well as in Node;
 * the main entry adds data sets in folders, whole runs and reports.
 */
export { fillTemplate, readableName } from './data/class-names.ts';
export { byLabel, type Dataset, type Item, type Split, SPLITS } from './data/dataset.ts';
export { type Batch, BatchLoader, type BatchLoaderOptions, type Unreadable } from './data/loader.ts';
export { PythonRandom } from './data/mt19937.ts';
export { type ClassSubset, epochOrder, fewShot, stepsPerEpoch, subsetClasses } from './data/sampling.ts';
export * from './methods/index.ts';
export { scaledProbabilities } from './evaluation/calibration.ts';
export { type Confusion, type ConfusionCell, confusionOf, marginsOf } from './evaluation/confusion.ts';
export { type ForwardOptions } from './evaluation/forward.ts';
export { type Features, imageFeatures } from './evaluation/image-features.ts';
export { type ClassMetrics, type Metrics, metricsOf } from './evaluation/metrics.ts';
export { predictFeatures, predictImages, type PredictionOptions, predictZeroShot } from './evaluation/predict.ts';
export { confusionOfPredictions, type ImagePrediction, metricsOfPredictions, predictedLabel } from './evaluation/predictions.ts';
export { type Budget, heldBytes, type StepChoice, type StepPlan } from './memory/choice.ts';
export { evaluationBatch } from './memory/evaluation-batch.ts';
export { embeddedSettings, embeddedTraining, type LoweredSetting, settingsForLayers } from './method/model-defaults.ts';
export { openPromptFacts, type PromptBytes, promptBytes, restorePromptBytes } from './prompt-files/bytes.ts';
export type { PromptDescription, PromptFacts } from './prompt-files/facts.ts';
export { JSON_SEAL, jsonBody, sealed, YAML_SEAL } from './prompt-files/seal.ts';
export { beyondDefaults, type DecidedSetting, decidedSetting } from './settings/decided.ts';
export { type NumberRange, rangeOf, type Setting, settingsOf, takesOf } from './settings/fields.ts';
export * from './train/index.ts';
