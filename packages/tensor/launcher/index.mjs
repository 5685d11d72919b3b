// @mudpt/tensor/launcher: which WebGPU adapter this machine has, and the environment under which Dawn finds it. For programs that start
// others; it needs no build and imports nothing of the engine.
export { chooseAdapter, examineAdapters, NoAdapterError, presentAdapters } from './choose.mjs';
export { advice } from './advice.mjs';
export { doctor } from './doctor.mjs';
export { describeDevice } from './features.mjs';
export { launch } from './launch.mjs';
