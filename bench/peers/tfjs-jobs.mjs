// The jobs that TensorFlow.js does, in Node and in a page.
import { pick, time, values } from './timing.mjs';

/**
 * @param {any} tf the module, with its WebGPU backend open
 * @returns {(job: any) => Promise<{ times: number[], values: number[] } | undefined>} undefined: TensorFlow.js cannot do that
 */
export function tfjsJobs(tf) {
  const backend = tf.backend();
  const array = (shape, seed) =>
    tf.tensor(
      values(
        shape.reduce((a, b) => a * b, 1),
        seed,
      ),
      shape,
    );

  async function measure(fn, job) {
    let last;
    const start = () => {
      last?.dispose();
      last = tf.tidy(fn);
    };
    const finish = async () => {
      if (backend.commandEncoder) {
        backend.endComputePassEncoder();
        backend.submitQueue();
      }
      await backend.queue.onSubmittedWorkDone();
    };
    const times = await time(start, finish, job);
    return { times, values: pick(await last.data(), job.places) };
  }

  return async (job) => {
    if (job.kind === 'matmul') {
      const { m, n, k, layout } = job;
      const a = array(layout === 'TN' ? [k, m] : [m, k], 1);
      const b = array(layout === 'NT' ? [n, k] : [k, n], 2);
      return measure(() => tf.matMul(a, b, layout === 'TN', layout === 'NT'), job);
    }
    if (job.kind === 'layernorm') {
      const x = array([job.rows, job.width], 1);
      return measure(() => {
        const { mean, variance } = tf.moments(x, -1, true);
        return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
      }, job);
    }
    if (job.kind === 'attention') {
      const { batch, heads, tokens, depth, causal, gradient } = job;
      const inputs = [1, 2, 3].map((seed) => array([batch, tokens, heads, depth], seed));
      const mask = causal
        ? tf.tensor(
            Float32Array.from({ length: tokens * tokens }, (_, i) => (i % tokens > Math.floor(i / tokens) ? -1e9 : 0)),
            [tokens, tokens],
          )
        : undefined;
      const forward = (q, k, v) => {
        const [x, y, z] = [q, k, v].map((one) => tf.transpose(one, [0, 2, 1, 3]));
        const scores = tf.mul(tf.matMul(x, y, false, true), 1 / Math.sqrt(depth));
        const weights = tf.softmax(mask ? tf.add(scores, mask) : scores);
        return tf.transpose(tf.matMul(weights, z), [0, 2, 1, 3]);
      };
      if (!gradient) return measure(() => forward(...inputs), job);
      const gradients = tf.grads((q, k, v) => tf.sum(tf.square(forward(q, k, v))));
      return measure(() => gradients(inputs)[0], job);
    }
    return undefined;
  };
}
