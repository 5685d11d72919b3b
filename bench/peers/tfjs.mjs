// TensorFlow.js 4.22 with its WebGPU backend.
import { offerWebGpu, serve } from './common.mjs';
import { tfjsJobs } from './tfjs-jobs.mjs';

offerWebGpu();
const tf = await import('@tensorflow/tfjs');
await import('@tensorflow/tfjs-backend-webgpu');
await tf.setBackend('webgpu');
await tf.ready();
await serve(tfjsJobs(tf));
