// jax-js (npm @jax-js/jax) on WebGPU, as far as Node 20 lets it: iterator helpers come from core-js.
await import('core-js/actual/iterator/index.js');
import { offerWebGpu, serve } from './common.mjs';
import { jaxJobs } from './jax-jobs.mjs';

offerWebGpu();
const jax = await import('@jax-js/jax');
await jax.init('webgpu');
jax.defaultDevice('webgpu');
await serve(jaxJobs(jax));
