/**
 * The patch embedding of MobileCLIP-B's image tower: three convolutions whose windows do not overlap, so that each patch is embedded alone. Source: timm,
 * vit_base_mci_224; Vasu and others, arXiv 2311.17049.
 */
import { Module } from '@mudpt/autograd';
import { add, cast, div, linear, mul, permute, reshape, sqrt, sub, type Tensor } from '@mudpt/tensor';
import type { MobileClipImageConfig } from '../config.ts';
import type { WeightBox } from '../weight-box.ts';
import { type StemLayer, stemLayers } from '../weight-shapes.ts';

/** eps of PyTorch's batch norm. */
const EPS = 1e-5;

/** A convolution, with batch norm and exact gelu after it but for the last, which has a bias. */
class StemConv extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  readonly scale: Tensor | undefined;
  readonly shift: Tensor | undefined;
  readonly mean: Tensor | undefined;
  readonly variance: Tensor | undefined;

  constructor(
    readonly layer: StemLayer,
    weights: WeightBox,
  ) {
    super();
    const { name, inputs, outputs, kernel, isLast } = layer;
    const norm = (part: string): Tensor => weights.vector(`${name}.bn.${part}`, [outputs]);
    this.weight = weights.matrix(`${name}.conv.weight`, [outputs, inputs, kernel, kernel]);
    this.bias = isLast ? weights.vector(`${name}.conv.bias`, [outputs]) : undefined;
    [this.scale, this.shift] = isLast ? [] : [norm('weight'), norm('bias')];
    [this.mean, this.variance] = isLast ? [] : [norm('running_mean'), norm('running_var')];
  }

  /** Windows [N, K, inputs * kernel * kernel] give [N, K, outputs]. */
  forward(windows: Tensor): Tensor {
    const { outputs } = this.layer;
    const rows = reshape(this.weight, [outputs, -1]);
    const { scale, shift, mean, variance } = this;
    if (!scale || !shift || !mean || !variance) return linear(windows, rows, this.bias);
    // Batch norm with fixed statistics is folded into the product.
    const factor = div(scale, sqrt(add(variance, EPS)));
    const scaled = mul(cast(rows, 'f32'), reshape(factor, [outputs, 1]));
    return linear(windows, scaled, sub(shift, mul(mean, factor)), { activation: 'gelu' });
  }

  *weights(): Generator<readonly [string, Tensor]> {
    const { name } = this.layer;
    yield [`${name}.conv.weight`, this.weight];
    if (this.bias) yield [`${name}.conv.bias`, this.bias];
    const norm = { weight: this.scale, bias: this.shift, running_mean: this.mean, running_var: this.variance };
    for (const [part, tensor] of Object.entries(norm)) if (tensor) yield [`${name}.bn.${part}`, tensor];
  }
}

export class ConvStem extends Module {
  readonly convs: readonly StemConv[];

  constructor(
    private readonly config: MobileClipImageConfig,
    weights: WeightBox,
  ) {
    super();
    this.convs = stemLayers(config).map((layer) => new StemConv(layer, weights));
  }

  /** The values of patches [B, K, 3 * patch * patch], channels first, as tokens [B, K, width]. */
  forward(patches: Tensor): Tensor {
    const { patch, width } = this.config;
    const [batch = 0, kept = 0] = patches.shape;
    let side = patch;
    let x = permute(reshape(patches, [batch * kept, 3, side, side]), [0, 2, 3, 1]);
    for (const conv of this.convs) {
      const { kernel, inputs } = conv.layer;
      side /= kernel;
      const cut = permute(reshape(x, [batch * kept, side, kernel, side, kernel, inputs]), [0, 1, 3, 5, 2, 4]);
      const windows = reshape(cut, [batch * kept, side * side, inputs * kernel * kernel]);
      x = reshape(conv.forward(windows), [batch * kept, side, side, -1]);
    }
    return reshape(x, [batch, kept, width]);
  }

  *weights(): Generator<readonly [string, Tensor]> {
    for (const conv of this.convs) yield* conv.weights();
  }
}
