/** Layers over rows: linear, softmax, norms, cross entropy, embedding, each with its gradient. */
import { type Ref, build, get, map, normalizeAxis, permute, ref, reshape, sizeOf, zeros } from './array.ts';
import { indexAdd } from './indexing.ts';
import { matmul } from './matmul.ts';
import { binary, type DifferentiableName, unary, unaryVjp } from './pointwise.ts';
import { alongAxis, logsumexp, max, sum } from './reduce.ts';

const add = (a: Ref, b: Ref): Ref => binary('add', a, b);
const mul = (a: Ref, b: Ref): Ref => binary('mul', a, b);
const sub = (a: Ref, b: Ref): Ref => binary('sub', a, b);

export type LinearOptions = { bias?: Ref; activation?: DifferentiableName; residual?: Ref };

/** activation(x [..., in] times weight [out, in] transposed, plus bias [out]) plus residual; the pre-activation is the activation's argument. */
export function linear(x: Ref, weight: Ref, options: LinearOptions = {}): { out: Ref; preActivation: Ref } {
  const rows = reshape(x, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1)!]);
  const product = reshape(matmul(rows, weight, { transposeB: true }), [...x.shape.slice(0, -1), weight.shape[0]!]);
  const preActivation = options.bias ? add(product, options.bias) : product;
  const active = options.activation ? unary(options.activation, preActivation) : preActivation;
  return { out: options.residual ? add(active, options.residual) : active, preActivation };
}

/** Gradients of `linear`; the residual's is the cotangent itself. */
export function linearVjp(x: Ref, weight: Ref, cotangent: Ref, options: LinearOptions = {}): { x: Ref; weight: Ref; bias: Ref } {
  const { preActivation } = linear(x, weight, options);
  const inner = options.activation ? unaryVjp(options.activation, preActivation, cotangent) : cotangent;
  const rows = sizeOf(x.shape.slice(0, -1));
  const flatX = reshape(x, [rows, x.shape.at(-1)!]);
  const flatInner = reshape(inner, [rows, weight.shape[0]!]);
  return {
    x: reshape(matmul(flatInner, weight), x.shape),
    weight: matmul(flatInner, flatX, { transposeA: true }),
    bias: sum(flatInner, { axes: [0] }),
  };
}

/** log(softmax) along an axis; minus infinity in, minus infinity out. A row without a finite entry is NaN. */
export function logSoftmax(x: Ref, axis = -1): Ref {
  return sub(x, logsumexp(x, { axes: [axis], keepdim: true }));
}

/** exp(x - max) over its sum along an axis (not exp of logSoftmax, which cannot tell ties of huge values). */
export function softmax(x: Ref, axis = -1): Ref {
  const shifted = map(sub(x, max(x, { axes: [axis], keepdim: true })), Math.exp);
  return binary('div', shifted, sum(shifted, { axes: [axis], keepdim: true }));
}

/** Gradient of softmax: p (c - sum(p c)). */
export function softmaxVjp(x: Ref, cotangent: Ref, axis = -1): Ref {
  const p = softmax(x, axis);
  return mul(p, sub(cotangent, sum(mul(p, cotangent), { axes: [axis], keepdim: true })));
}

/** Gradient of logSoftmax: c - p sum(c). */
export function logSoftmaxVjp(x: Ref, cotangent: Ref, axis = -1): Ref {
  return sub(cotangent, mul(softmax(x, axis), sum(cotangent, { axes: [axis], keepdim: true })));
}

const meanOfRows = (x: Ref): Ref => map(sum(x, { axes: [-1], keepdim: true }), (value) => value / x.shape.at(-1)!);
const dropLast = (x: Ref): Ref => reshape(x, x.shape.slice(0, -1));
const sumOfRows = (x: Ref): Ref => sum(reshape(x, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1)!]), { axes: [0] });

export type NormOptions = { weight?: Ref; bias?: Ref; eps?: number };

/** (x - mean) / sqrt(variance + eps) over the last axis, times weight, plus bias; eps 1e-5. Mean and reciprocal deviation have x's leading axes. */
export function layerNorm(x: Ref, options: NormOptions = {}): { out: Ref; mean: Ref; rstd: Ref } {
  const mean = meanOfRows(x);
  const centred = sub(x, mean);
  const rstd = map(
    meanOfRows(map(centred, (value) => value * value)),
    (variance) => 1 / Math.sqrt(variance + (options.eps ?? 1e-5)),
  );
  const normalized = mul(centred, rstd);
  const scaled = options.weight ? mul(normalized, options.weight) : normalized;
  return { out: options.bias ? add(scaled, options.bias) : scaled, mean: dropLast(mean), rstd: dropLast(rstd) };
}

/** Gradients of layerNorm; with n the normalized row and g = c weight, that of x is rstd (g - mean(g) - n mean(g n)). */
export function layerNormVjp(x: Ref, cotangent: Ref, options: NormOptions = {}): { x: Ref; weight: Ref; bias: Ref } {
  const { out: normalized, rstd } = layerNorm(x, { eps: options.eps });
  const inner = options.weight ? mul(cotangent, options.weight) : cotangent;
  const projected = add(meanOfRows(inner), mul(normalized, meanOfRows(mul(inner, normalized))));
  return {
    x: mul(sub(inner, projected), reshape(rstd, [...rstd.shape, 1])),
    weight: sumOfRows(mul(cotangent, normalized)),
    bias: sumOfRows(cotangent),
  };
}

/** x / sqrt(mean(x^2) + eps) over the last axis, times weight; eps 1e-6. */
export function rmsNorm(x: Ref, options: { weight?: Ref; eps?: number } = {}): { out: Ref; rstd: Ref } {
  const rstd = map(meanOfRows(map(x, (value) => value * value)), (square) => 1 / Math.sqrt(square + (options.eps ?? 1e-6)));
  const normalized = mul(x, rstd);
  return { out: options.weight ? mul(normalized, options.weight) : normalized, rstd: dropLast(rstd) };
}

/** Gradients of rmsNorm; with n the normalized row and g = c weight, that of x is rstd (g - n mean(g n)). */
export function rmsNormVjp(x: Ref, cotangent: Ref, options: { weight?: Ref; eps?: number } = {}): { x: Ref; weight: Ref } {
  const { out: normalized, rstd } = rmsNorm(x, { eps: options.eps });
  const inner = options.weight ? mul(cotangent, options.weight) : cotangent;
  const projected = mul(normalized, meanOfRows(mul(inner, normalized)));
  return { x: mul(sub(inner, projected), reshape(rstd, [...rstd.shape, 1])), weight: sumOfRows(mul(cotangent, normalized)) };
}

/** x over max(its 2-norm along the axis, eps); eps 1e-12. */
export function l2Normalize(x: Ref, axis = -1, eps = 1e-12): Ref {
  return alongAxis(x, axis, x.shape.at(axis)!, (line) => {
    const length = Math.max(Math.hypot(...line), eps);
    return line.map((value) => value / length);
  });
}

/** Gradient of l2Normalize: (c - y sum(c y)) / norm; where eps is in force the norm is a constant. */
export function l2NormalizeVjp(x: Ref, cotangent: Ref, axis = -1, eps = 1e-12): Ref {
  const last = x.shape.length - 1;
  const along = normalizeAxis(axis, x.shape.length);
  const order = x.shape.map((_, i) => (i === along ? last : i === last ? along : i));
  const rows = permute(x, order);
  const cotangents = permute(cotangent, order);
  const width = rows.shape.at(-1)!;
  const grad = zeros(rows.shape);
  for (let start = 0; start < rows.data.length; start += width) {
    const line = rows.data.subarray(start, start + width);
    const c = cotangents.data.subarray(start, start + width);
    const size = Math.hypot(...line);
    const dot = line.reduce((total, value, i) => total + value * c[i]!, 0);
    line.forEach((value, i) => {
      grad.data[start + i] = size > eps ? (c[i]! - (value / size) * (dot / size)) / size : c[i]! / eps;
    });
  }
  return permute(grad, order);
}

/** Rows of weight [V, C] named by ids [...]: [..., C]. */
export function embedding(weight: Ref, ids: Ref): Ref {
  return build([...ids.shape, weight.shape[1]!], (index) => {
    const row = get(ids, index.slice(0, -1));
    if (row < 0 || row >= weight.shape[0]!) throw new Error(`id ${row} is not in 0..${weight.shape[0]! - 1}`);
    return get(weight, [row, index.at(-1)!]);
  });
}

/** Gradient of embedding: cotangent rows added up per id, over `count` rows. */
export function embeddingVjp(count: number, ids: Ref, cotangent: Ref): Ref {
  const width = cotangent.shape.at(-1)!;
  return indexAdd(zeros([count, width]), 0, ids, reshape(cotangent, [ids.data.length, width]));
}

/** 1 at the class named by each id, else 0: [..., classes]. An id outside the classes gives a row of zeros. */
export function oneHot(ids: Ref, classes: number): Ref {
  return build([...ids.shape, classes], (index) => (get(ids, index.slice(0, -1)) === index.at(-1) ? 1 : 0));
}

export type CrossEntropyOptions = { reduction?: 'mean' | 'sum' | 'none'; labelSmoothing?: number; ignoreIndex?: number };

/** What each row counts for (0 when ignored) and the target distribution of a class in a row that counts. */
function targets(
  logits: Ref,
  labels: Ref,
  options: CrossEntropyOptions,
): { counts: number[]; wanted: (row: number, c: number) => number } {
  const { labelSmoothing = 0, ignoreIndex = -100 } = options;
  const classes = logits.shape.at(-1)!;
  return {
    counts: Array.from(labels.data, (label) => (label === ignoreIndex ? 0 : 1)),
    wanted: (row, c) => (1 - labelSmoothing) * (labels.data[row] === c ? 1 : 0) + labelSmoothing / classes,
  };
}

/**
 * Cross entropy of logits [..., C] with labels [...]: -sum(target log p) with the target (1 - s) onehot + s / C. Ignored rows count for
 * nothing and the mean divides by the rows that count (NaN if there are none).
 */
export function crossEntropy(logits: Ref, labels: Ref, options: CrossEntropyOptions = {}): Ref {
  const { reduction = 'mean' } = options;
  const { counts, wanted } = targets(logits, labels, options);
  const logP = logSoftmax(logits);
  const classes = logits.shape.at(-1)!;
  const losses = counts.map((count, row) => {
    let loss = 0;
    // A class with target 0 adds nothing even where log p is minus infinity.
    for (let c = 0; c < classes; c++) if (wanted(row, c) !== 0) loss -= wanted(row, c) * logP.data[row * classes + c]!;
    return count === 0 ? 0 : loss;
  });
  if (reduction === 'none') return ref(labels.shape, losses);
  const total = losses.reduce((a, b) => a + b, 0);
  return ref([], [reduction === 'sum' ? total : total / counts.reduce((a, b) => a + b, 0)]);
}

/** Gradient of crossEntropy with respect to the logits: (p - target) times what the row's loss counts for. */
export function crossEntropyVjp(logits: Ref, labels: Ref, cotangent: Ref, options: CrossEntropyOptions = {}): Ref {
  const { reduction = 'mean' } = options;
  const { counts, wanted } = targets(logits, labels, options);
  const divisor = reduction === 'mean' ? counts.reduce((a, b) => a + b, 0) : 1;
  const classes = logits.shape.at(-1)!;
  return map(softmax(logits), (p, flat) => {
    const row = Math.floor(flat / classes);
    const c = cotangent.data[reduction === 'none' ? row : 0]!;
    return counts[row] === 0 ? 0 : ((p - wanted(row, flat % classes)) * c) / divisor;
  });
}
