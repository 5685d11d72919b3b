export { openCheckpoint } from './checkpoint.ts';
export { chooseWeights, type Files, type ModelInput, neededFiles } from './files/files.ts';
export type { HubOptions, LoadProgress } from './hub/options.ts';
export { fromOpenClip } from './names/infer.ts';
export { HUB_NAMES, loadClip, type LoadClipOptions } from './load.ts';
export { openWeights, type OpenWeightsOptions } from './open.ts';
export { saveHuggingFace, type SavedWeights, type SaveOptions, serializeHuggingFace, weightsOf } from './save.ts';
export type { TensorFile } from './formats/tensor-file.ts';
export type { WeightEntry, WeightSource } from './source.ts';
