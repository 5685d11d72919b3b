// The three problems that every engine trains on, the same numbers for all: weights and batches by a formula, layouts as PyTorch's.

/** @param {number} size @param {number} seed @param {number} scale */
function values(size, seed, scale) {
  return Float32Array.from({ length: size }, (_, i) => ((((i + seed * 131) * 7919) % 257) / 128 - 1) * scale);
}

/** @param {Record<string, number[]>} shapes */
function weightsOf(shapes) {
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], index) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const fan = shape.slice(1).reduce((a, b) => a * b, 1);
      const isNorm = /norm\d?$/.test(name);
      const data = isNorm
        ? new Float32Array(size).fill(1)
        : values(size, index + 1, shape.length === 1 ? 0.01 : Math.sqrt(1 / fan));
      return [name, { data, shape }];
    }),
  );
}

/** @param {number} count @param {number} below @param {number} seed */
const labels = (count, below, seed) => Int32Array.from({ length: count }, (_, i) => ((i + seed) * 7919) % below);

const GPT = { vocabulary: 64, tokens: 32, width: 64, heads: 4, layers: 2 };

/** @type {Record<string, (batch: number) => any>} */
export const PROBLEMS = {
  /** 784 to 256 (relu) to 10. */
  mlp: (batch) => ({
    lr: 0.002,
    weights: weightsOf({ w1: [256, 784], b1: [256], w2: [10, 256], b2: [10] }),
    x: { data: values(batch * 784, 90, 1), shape: [batch, 784] },
    y: { data: labels(batch, 10, 1), shape: [batch] },
  }),
  /** Two convolutions of stride 2 (relu) on 28 x 28, and a linear layer. */
  convnet: (batch) => ({
    lr: 0.1,
    weights: weightsOf({ c1: [8, 1, 3, 3], d1: [8], c2: [16, 8, 3, 3], d2: [16], w: [10, 784], b: [10] }),
    x: { data: values(batch * 784, 91, 1), shape: [batch, 1, 28, 28] },
    y: { data: labels(batch, 10, 2), shape: [batch] },
  }),
  /** Two pre-norm transformer blocks with causal attention, each token's successor as its label. */
  gpt: (batch) => {
    const { vocabulary, tokens, width, layers } = GPT;
    const block = {
      norm1: [width],
      norm1_b: [width],
      qkv: [3 * width, width],
      qkv_b: [3 * width],
      out: [width, width],
      out_b: [width],
      ...{ norm2: [width], norm2_b: [width], up: [4 * width, width], up_b: [4 * width] },
      ...{ down: [width, 4 * width], down_b: [width] },
    };
    const blocks = Array.from({ length: layers }, (_, k) =>
      Object.entries(block).map(([name, shape]) => [`h${k}_${name}`, shape]),
    ).flat();
    const shapes = { token: [vocabulary, width], position: [tokens, width], ...Object.fromEntries(blocks) };
    return {
      ...GPT,
      lr: 0.1,
      weights: weightsOf({ ...shapes, last_norm: [width], last_b: [width], head: [vocabulary, width] }),
      x: { data: labels(batch * tokens, vocabulary, 3), shape: [batch, tokens] },
      y: { data: labels(batch * tokens, vocabulary, 4), shape: [batch * tokens] },
    };
  },
};
