/** Signatures: the arguments of every op, for calls from JavaScript. The keys of options are checked against their types. */
import type { Op } from './definition/op.ts';
import { argumentsCheck, namesIn } from './definition/arguments.ts';
import type * as chainable from './chainable.ts';
import type { AttentionOptions } from './kernels/attention/options.ts';
import type { Conv2dOptions } from './ops/images/conv2d.ts';
import type { Conv1dOptions, Conv3dOptions } from './ops/images/conv-axes.ts';
import type { ConvTranspose1dOptions, ConvTranspose2dOptions } from './ops/images/conv-transpose.ts';
import type { WindowOptions } from './kernels/conv/geometry.ts';
import type { AvgPoolOptions, MaxPoolOptions } from './ops/images/pool.ts';
import type { AvgPool1dOptions, AvgPool3dOptions, MaxPool1dOptions, MaxPool3dOptions } from './ops/images/pool-axes.ts';
import type { LocalResponseNormOptions } from './ops/norms/channel-norm.ts';
import type { AffineGridOptions, GridSampleOptions } from './ops/images/grid-sample.ts';
import type { ResizeOptions } from './ops/images/resize.ts';
import type { BlockOptions } from './ops/views/shuffle.ts';
import type { CrossEntropyOptions } from './ops/losses/cross-entropy.ts';
import type { LinearOptions } from './ops/products/linear.ts';
import type { TriangularOptions } from './ops/linalg/triangular.ts';
import type { NllOptions, SoftCrossEntropyOptions } from './ops/losses/class-losses.ts';
import type { BceOfProbabilitiesOptions, BceOptions, HuberOptions, SmoothL1Options } from './ops/losses/pointwise-losses.ts';
import type { KlDivOptions, PairLossOptions } from './ops/losses/losses.ts';
import type { MatmulOptions } from './ops/products/matmul.ts';
import { isPointwise, type PointwiseName, pointwiseTable } from './pointwise/table.ts';
import type { PointwiseRow } from './pointwise/row.ts';
import type { RandomOptions } from './ops/create/random.ts';
import type { VarianceOptions } from './ops/reduce/reduce.ts';
import type { ReduceOptions } from './kernels/reduce.ts';
import type { RopeOptions } from './ops/attention/rope.ts';
import type { ScatterOptions } from './ops/indexing/scatter.ts';
import type { TruncatedNormalOptions } from './ops/generate/distributions.ts';
import type { CategoricalOptions } from './ops/generate/draws.ts';
import type { SortOptions, TopkOptions } from './ops/order/sort.ts';
import type { HistogramOptions, SearchOptions } from './ops/order/search.ts';

type Signature = string | { readonly takes: string; readonly options: readonly string[] };
/** Structured ops: those of the pointwise table have its operands. */
type Structured = Exclude<keyof typeof chainable, PointwiseName | 'broadcastTo'>;

/** The keys of an options type; the compiler wants all of them. */
const keysOf = <T>(keys: Record<keyof Required<T>, true>): readonly string[] => Object.keys(keys);
const take = (takes: string, options: readonly string[]): Signature => ({ takes: `${takes} options?:options`, options });

const windows = { stride: true, padding: true, dilation: true } as const;
const reduce = keysOf<ReduceOptions>({ keepdim: true });
const reduced = take('x:tensor axes?:axes', reduce);
const pair = take('x:tensor target:tensor', keysOf<PairLossOptions>({ reduction: true }));
const variance = take('x:tensor axes?:axes', keysOf<VarianceOptions>({ keepdim: true, correction: true }));
const matrices = 'a:tensor';
const along = 'x:tensor axis?:number';
const scatter = 'x:tensor axis:number index:tensor source:tensor';
const search = keysOf<SearchOptions>({ right: true });
const attends = keysOf<AttentionOptions>({
  causal: true,
  queryOffset: true,
  window: true,
  mask: true,
  scale: true,
  softCap: true,
  dropout: true,
  cuSeqlens: true,
  prefix: true,
});
const convolves = keysOf<Conv2dOptions & Conv1dOptions & Conv3dOptions>({ ...windows, groups: true });
const convolvesBack = keysOf<ConvTranspose2dOptions & ConvTranspose1dOptions>({ ...windows, groups: true, outputPadding: true });
const pools = keysOf<MaxPoolOptions & MaxPool1dOptions & MaxPool3dOptions>({ ...windows, ceilMode: true });
const averages = keysOf<AvgPoolOptions & AvgPool1dOptions & AvgPool3dOptions>({
  ...windows,
  ceilMode: true,
  countsPadding: true,
});
const window = keysOf<WindowOptions>(windows);
const RANDOM_KEYS = keysOf<RandomOptions>({ key: true, stream: true, dtype: true, device: true });

const structured: Readonly<Record<Structured, Signature>> = {
  adaptiveAvgPool1d: 'x:tensor size:number',
  adaptiveAvgPool2d: 'x:tensor size:axes',
  adaptiveMaxPool1d: 'x:tensor size:number',
  adaptiveMaxPool2d: 'x:tensor size:axes',
  affineGrid: take('theta:tensor size:numbers', keysOf<AffineGridOptions>({ alignCorners: true })),
  addLayerNorm: 'x:tensor residual:tensor weight?:tensor bias?:tensor eps?:number',
  all: reduced,
  allClose: 'x:tensor y:operand relative?:operand absolute?:operand',
  any: reduced,
  argmax: take('x:tensor axis?:number', reduce),
  argmin: take('x:tensor axis?:number', reduce),
  argsort: take('x:tensor', keysOf<SortOptions>({ axis: true, descending: true })),
  attention: take('q:tensor k:tensor v:tensor', attends),
  attentionQkv: take('qkv:tensor', attends),
  avgPool1d: take('x:tensor kernelSize:number', averages),
  avgPool2d: take('x:tensor kernelSize:axes', averages),
  avgPool3d: take('x:tensor kernelSize:axes', averages),
  batchNorm: 'x:tensor mean:tensor variance:tensor weight?:tensor bias?:tensor eps?:number',
  batchNormTraining: 'x:tensor weight?:tensor bias?:tensor eps?:number',
  bce: take('x:tensor target:tensor', keysOf<BceOfProbabilitiesOptions>({ reduction: true, weight: true })),
  bceWithLogits: take('x:tensor target:tensor', keysOf<BceOptions>({ reduction: true, weight: true, positiveWeight: true })),
  bincount: 'x:tensor bins:number weights?:tensor',
  bucketize: take('x:tensor boundaries:tensor', search),
  cast: 'x:tensor dtype:dtype',
  categorical: {
    takes: 'logits:tensor options:key',
    options: keysOf<CategoricalOptions>({ key: true, stream: true, count: true, replacement: true }),
  },
  cdist: 'a:tensor b:tensor',
  cholesky: matrices,
  chunk: 'x:tensor count:number axis?:number',
  contiguous: 'x:tensor',
  conv1d: take('x:tensor weight:tensor bias?:tensor', convolves),
  conv2d: take('x:tensor weight:tensor bias?:tensor', convolves),
  conv3d: take('x:tensor weight:tensor bias?:tensor', convolves),
  convTranspose1d: take('x:tensor weight:tensor bias?:tensor', convolvesBack),
  convTranspose2d: take('x:tensor weight:tensor bias?:tensor', convolvesBack),
  countNonzero: reduced,
  crossEntropy: take(
    'logits:tensor labels:tensor',
    keysOf<CrossEntropyOptions>({ reduction: true, labelSmoothing: true, ignoreIndex: true, scale: true }),
  ),
  cummax: along,
  cummin: along,
  cumprod: along,
  cumsum: along,
  det: matrices,
  depthToSpace: take('x:tensor block:number', keysOf<BlockOptions>({ mode: true })),
  diag: 'x:tensor offset?:number',
  diagonal: 'x:tensor offset?:number',
  diff: 'x:tensor axis?:number order?:number',
  dot: 'a:tensor b:tensor',
  eigh: matrices,
  embedding: 'weight:tensor ids:tensor',
  expand: 'x:tensor shape:numbers',
  flatten: 'x:tensor start?:number end?:number',
  flip: 'x:tensor axes?:axes',
  fold: take('columns:tensor size:numbers kernelSize:axes', window),
  gather: 'x:tensor axis:number index:tensor',
  gatherND: 'x:tensor index:tensor',
  gatherRows: 'x:tensor index:tensor',
  globalAvgPool: 'x:tensor',
  globalMaxPool: 'x:tensor',
  glu: along,
  histogram: take('x:tensor bins:number', keysOf<HistogramOptions>({ range: true, weights: true })),
  gridSample: take('x:tensor grid:tensor', keysOf<GridSampleOptions>({ mode: true, padding: true, alignCorners: true })),
  groupNorm: 'x:tensor groups:number weight?:tensor bias?:tensor eps?:number',
  huberLoss: take('x:tensor target:tensor', keysOf<HuberOptions>({ reduction: true, delta: true })),
  indexAdd: scatter,
  indexSelect: 'x:tensor axis:number index:tensor',
  inverse: matrices,
  instanceNorm: 'x:tensor weight?:tensor bias?:tensor eps?:number',
  klDiv: take('x:tensor target:tensor', keysOf<KlDivOptions>({ reduction: true })),
  kron: 'a:tensor b:tensor',
  l1Loss: pair,
  l2Normalize: 'x:tensor axis?:number eps?:number',
  layerNorm: 'x:tensor weight?:tensor bias?:tensor eps?:number dtype?:dtype',
  linear: take('x:tensor weight:tensor bias?:tensor', keysOf<LinearOptions>({ activation: true, residual: true, dtype: true })),
  localResponseNorm: take('x:tensor size:number', keysOf<LocalResponseNormOptions>({ alpha: true, beta: true, k: true })),
  logSoftmax: along,
  logcumsumexp: along,
  logsumexp: reduced,
  lstsq: 'a:tensor b:tensor',
  lu: matrices,
  maskedFill: 'x:tensor mask:tensor value:number',
  matmul: take('a:tensor b:tensor', keysOf<MatmulOptions>({ transposeA: true, transposeB: true, alpha: true })),
  matrixPower: 'a:tensor exponent:number',
  max: reduced,
  maxPool1d: take('x:tensor kernelSize:number', pools),
  maxPool2d: take('x:tensor kernelSize:axes', pools),
  maxPool2dWithIndices: take('x:tensor kernelSize:axes', pools),
  maxPool3d: take('x:tensor kernelSize:axes', pools),
  mean: reduced,
  median: reduced,
  min: reduced,
  movedim: 'x:tensor source:axes destination:axes',
  mseLoss: pair,
  multinomial: { takes: 'weights:tensor count:number options:key', options: ['key', 'stream', 'replacement'] },
  nanmean: reduced,
  nansum: reduced,
  narrow: 'x:tensor axis:number start:number length:number',
  nllLoss: take('x:tensor labels:tensor', keysOf<NllOptions>({ reduction: true, weight: true, ignoreIndex: true })),
  norm: take('x:tensor axes?:axes', [...reduce, 'p']),
  oneHot: 'ids:tensor classes:number dtype?:dtype',
  outer: 'a:tensor b:tensor',
  permutation: { takes: 'x:tensor options:key', options: ['key', 'stream', 'axis'] },
  pad: 'x:tensor amounts:list value?:fill',
  permute: 'x:tensor order:numbers',
  pinv: 'a:tensor tolerance?:number',
  pixelShuffle: 'x:tensor block:number',
  pixelUnshuffle: 'x:tensor block:number',
  prelu: 'x:tensor weight:tensor',
  prod: reduced,
  qr: matrices,
  quantile: take('x:tensor q:shares axes?:axes', reduce),
  repeatInterleave: 'x:tensor count:number axis?:number',
  reshape: 'x:tensor shape:numbers',
  resize: take(
    'x:tensor',
    keysOf<ResizeOptions>({
      ...{ size: true, scale: true, axes: true, mode: true, alignCorners: true, coordinates: true, rounding: true },
      ...{ antialias: true, cubicCoefficient: true, excludeOutside: true },
    }),
  ),
  rmsNorm: 'x:tensor weight?:tensor eps?:number',
  roll: 'x:tensor shift:number axis?:number',
  rot90: 'x:tensor turns?:number axes?:numbers',
  rope: take('x:tensor table:tensor', keysOf<RopeOptions>({ offset: true, interleaved: true, inverse: true })),
  scatter: take(scatter, keysOf<ScatterOptions>({ reduction: true })),
  scatterAdd: scatter,
  scatterND: take('x:tensor index:tensor source:tensor', keysOf<ScatterOptions>({ reduction: true })),
  searchsorted: take('sorted:tensor values:tensor', search),
  select: 'x:tensor axis:number index:number',
  slice: 'x:tensor ranges:list',
  slogdet: matrices,
  smoothL1Loss: take('x:tensor target:tensor', keysOf<SmoothL1Options>({ reduction: true, beta: true })),
  softCrossEntropy: take(
    'x:tensor target:tensor',
    keysOf<SoftCrossEntropyOptions>({ reduction: true, weight: true, labelSmoothing: true }),
  ),
  softmax: along,
  solve: 'a:tensor b:tensor',
  solveTriangular: take('a:tensor b:tensor', keysOf<TriangularOptions>({ upper: true, transpose: true, unit: true })),
  sort: take('x:tensor', keysOf<SortOptions>({ axis: true, descending: true })),
  spaceToDepth: take('x:tensor block:number', keysOf<BlockOptions>({ mode: true })),
  split: 'x:tensor sizes:axes axis?:number',
  squeeze: 'x:tensor axes?:axes',
  std: variance,
  sum: reduced,
  svd: matrices,
  takeAlongAxis: 'x:tensor axis:number index:tensor',
  tile: 'x:tensor counts:numbers',
  topk: take('x:tensor k:number', keysOf<TopkOptions>({ axis: true, largest: true })),
  trace: 'x:tensor',
  transpose: 'x:tensor a?:number b?:number',
  tril: 'x:tensor diagonal?:number',
  triu: 'x:tensor diagonal?:number',
  unbind: along,
  unfold: take('x:tensor kernelSize:axes', window),
  unsqueeze: 'x:tensor axis:number',
  variance,
};

/** Signatures of ops that are functions only, not methods. */
const functions: Readonly<Record<string, Signature>> = {
  cat: 'tensors:tensors axis?:number',
  countCorrect: 'logits:tensor labels:tensor',
  stack: 'tensors:tensors axis?:number',
  einsum: 'equation:text ...operands:tensor',
  rand: { takes: 'shape:numbers options:key', options: [...RANDOM_KEYS, 'low', 'high'] },
  randn: { takes: 'shape:numbers options:key', options: [...RANDOM_KEYS, 'mean', 'std'] },
  randint: { takes: 'shape:numbers low:number high:number options:key', options: RANDOM_KEYS },
  bernoulli: { takes: 'shape:numbers probability:number options:key', options: RANDOM_KEYS },
  randBeta: { takes: 'shape:numbers a:operand b:operand options:key', options: RANDOM_KEYS },
  randDirichlet: { takes: 'shape:numbers concentration:operand options:key', options: RANDOM_KEYS },
  randExponential: { takes: 'shape:numbers options:key', options: [...RANDOM_KEYS, 'rate'] },
  randGamma: { takes: 'shape:numbers concentration:operand options:key', options: [...RANDOM_KEYS, 'rate'] },
  randGumbel: { takes: 'shape:numbers options:key', options: RANDOM_KEYS },
  randLaplace: { takes: 'shape:numbers options:key', options: [...RANDOM_KEYS, 'mean', 'scale'] },
  randPoisson: { takes: 'shape:numbers rate:operand options:key', options: RANDOM_KEYS },
  truncatedNormal: {
    takes: 'shape:numbers options:key',
    options: keysOf<TruncatedNormalOptions>({
      ...{ key: true, stream: true, dtype: true, device: true },
      ...{ mean: true, std: true, low: true, high: true },
    }),
  },
  randomWords: { takes: 'shape:numbers options:key', options: RANDOM_KEYS },
  randperm: { takes: 'n:number options:key', options: RANDOM_KEYS },
};

/** What `op` takes, or undefined for one that is not listed. */
function signatureOf(op: string): Signature | undefined {
  if (isPointwise(op)) {
    const { operands }: PointwiseRow = pointwiseTable[op];
    // An operand is optional where the table has a default for it.
    return operands.map((name) => `${name}?:operand`).join(' ');
  }
  return Object.hasOwn(structured, op) ? structured[op as Structured] : functions[op];
}

/** Gives ops the checks of their arguments, and the names that errors have for them. */
export function checkArguments(ops: Iterable<Op>): void {
  for (const op of ops) {
    const signature = signatureOf(op.opName);
    if (signature === undefined) continue;
    const { takes, options } = typeof signature === 'string' ? { takes: signature, options: undefined } : signature;
    op.check = argumentsCheck(op.opName, takes, options);
    op.argumentNames = namesIn(takes);
  }
}
