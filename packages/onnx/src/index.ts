/** ONNX models on the engine: read, checked, and run, replayed or trained. */
export type { ElementType } from './format/types.ts';
export type { Dimensions } from './format/proto.ts';
export type { ArrayInput, ModelInput, ModelValue } from './inputs.ts';
export { loadOnnx, type LoadOnnxOptions, type ModelSource } from './load.ts';
export { type CapturedModel, OnnxModel, type ModelOutputs } from './model.ts';
export {
  type AttributeToWrite,
  type FunctionToWrite,
  type GraphToWrite,
  type InfoToWrite,
  type ModelToWrite,
  type NodeToWrite,
  type TensorToWrite,
  writeModel,
} from './format/write.ts';
