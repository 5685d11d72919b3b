// ONNX Runtime (onnxruntime-node) with the provider named in argv[3], on models that the bench wrote.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { serve } from './common.mjs';
import { pick, time, values } from './timing.mjs';

const ort = createRequire(import.meta.url)('onnxruntime-node');
const provider = process.argv[3] ?? 'cpu';

await serve(async (job) => {
  if (!job.model) return undefined;
  const session = await ort.InferenceSession.create(readFileSync(job.model), {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
  });
  const feeds = Object.fromEntries(
    job.inputs.map(({ name, shape, seed }) => [
      name,
      new ort.Tensor(
        'float32',
        values(
          shape.reduce((a, b) => a * b, 1),
          seed,
        ),
        shape,
      ),
    ]),
  );
  let result;
  const times = await time(
    async () => {
      result = await session.run(feeds);
    },
    async () => undefined,
    job,
  );
  const data = Object.values(result)[0].data;
  await session.release();
  return { times, values: pick(data, job.places) };
});
