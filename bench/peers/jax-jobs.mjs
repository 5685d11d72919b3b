// The jobs that jax-js does, in Node and in a page.
import { pick, time, values } from './timing.mjs';

/**
 * @param {any} jax the module, opened on WebGPU
 * @returns {(job: any) => Promise<{ times: number[], values: number[] } | undefined>} undefined: jax-js cannot do that
 */
export function jaxJobs({ blockUntilReady, grad, jit, nn, numpy: np }) {
  const array = (shape, seed) =>
    np
      .array(
        values(
          shape.reduce((a, b) => a * b, 1),
          seed,
        ),
      )
      .reshape(shape);

  async function measure(fn, inputs, job) {
    let last;
    const start = () => {
      last?.dispose();
      last = fn(...inputs.map((x) => x.ref));
    };
    const times = await time(start, () => blockUntilReady(last), job);
    const data = await last.data();
    return { times, values: pick(data, job.places) };
  }

  return async (job) => {
    if (job.kind === 'matmul') {
      const { m, n, k, layout } = job;
      const a = array(layout === 'TN' ? [k, m] : [m, k], 1);
      const b = array(layout === 'NT' ? [n, k] : [k, n], 2);
      const fn = jit((x, y) => np.matmul(layout === 'TN' ? np.transpose(x) : x, layout === 'NT' ? np.transpose(y) : y));
      return measure(fn, [a, b], job);
    }
    if (job.kind === 'layernorm') {
      const x = array([job.rows, job.width], 1);
      return measure(
        jit((v) => nn.standardize(v, -1)),
        [x],
        job,
      );
    }
    if (job.kind === 'attention') {
      const { batch, heads, tokens, depth, causal, gradient } = job;
      const inputs = [1, 2, 3].map((seed) => array([batch, tokens, heads, depth], seed));
      const forward = (q, k, v) => nn.dotProductAttention(q, k, v, { isCausal: causal });
      if (!gradient) return measure(jit(forward), inputs, job);
      const loss = (q, k, v) => np.sum(np.square(forward(q, k, v)));
      const gradients = jit(grad(loss, { argnums: [0, 1, 2] }));
      let last;
      const start = () => {
        for (const one of last ?? []) one.dispose();
        last = gradients(...inputs.map((x) => x.ref));
      };
      const times = await time(start, () => blockUntilReady(last), job);
      return { times, values: pick(await last[0].data(), job.places) };
    }
    return undefined;
  };
}
