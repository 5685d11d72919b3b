/** Norms by channel as modules: batch norm with running statistics, group and instance norm. */
import {
  addcmul,
  batchNorm,
  cast,
  copyInto,
  lerp,
  mul,
  reshape,
  scope,
  ShapeError,
  sizeOf,
  type Tensor,
  tensor,
} from '@mudpt/tensor/functions';
import { expectShare } from '../checks.ts';
import { batchNormTraining, groupNorm, instanceNorm } from '../ops.ts';
import { buffer, noGrad } from '../parameter.ts';
import { expectModuleOptions, filled, type InitOptions } from './init.ts';
import { Module } from './module.ts';
import type { NormOptions } from './norm.ts';

/** Options of {@link GroupNorm} and {@link InstanceNorm}; eps is added to the variance. */
export type ChannelNormOptions = NormOptions & {
  /** Whether weight and bias are learnt for each channel. */
  readonly affine?: boolean;
};

/** Options of {@link BatchNorm1d} and {@link BatchNorm2d}. */
export type BatchNormOptions = ChannelNormOptions & {
  /** Share of a batch's statistics in the running ones. Default 0.1. */
  readonly momentum?: number;
};

/** A buffer of one repeated value. */
function constant(shape: readonly number[], value: number, { device }: InitOptions): Tensor {
  return buffer(tensor(new Float32Array(sizeOf(shape)).fill(value), { shape, ...(device && { device }) }));
}

/** Weight 1 and bias 0 of every channel, unless `affine` is false. */
abstract class ChannelNorm extends Module {
  readonly weight: Tensor | undefined;
  readonly bias: Tensor | undefined;
  readonly eps: number;

  protected constructor(channels: number, isAffine: boolean, options: NormOptions) {
    super();
    this.weight = isAffine ? filled([channels], 1, options) : undefined;
    this.bias = isAffine ? filled([channels], 0, options) : undefined;
    this.eps = options.eps ?? 1e-5;
  }
}

/**
 * Batch norm: in training by the statistics of the batch, which go into `runningMean` and `runningVariance` (divided by one less than the number of
 * values, as PyTorch's); in evaluation by the running ones. eps 1e-5.
 */
abstract class BatchNorm extends ChannelNorm {
  readonly runningMean: Tensor;
  readonly runningVariance: Tensor;
  readonly momentum: number;

  protected constructor(
    private readonly name: string,
    private readonly ranks: readonly number[],
    channels: number,
    options: BatchNormOptions,
  ) {
    expectModuleOptions(name, options, ['eps', 'affine', 'momentum']);
    const { momentum = 0.1 } = options;
    expectShare(name, 'momentum', momentum);
    super(channels, options.affine ?? true, options);
    this.runningMean = constant([channels], 0, options);
    this.runningVariance = constant([channels], 1, options);
    this.momentum = momentum;
  }

  forward(x: Tensor): Tensor {
    if (!this.ranks.includes(x.rank))
      throw new ShapeError(
        this.name,
        `x has shape ${`[${x.shape.join(', ')}]`}`,
        `give a tensor of ${this.ranks.join(' or ')} axes`,
      );
    const { weight, bias, eps, runningMean, runningVariance } = this;
    if (!this.training) return batchNorm(x, runningMean, runningVariance, weight, bias, eps);
    const count = x.size / (x.shape[1] ?? 1);
    if (!(count > 1))
      throw new ShapeError(
        this.name,
        `x of shape [${x.shape.join(', ')}] has one value a channel`,
        'train with more, or call eval() first',
      );
    return scope(() => {
      const { out, mean, variance } = batchNormTraining(x, undefined, undefined, eps);
      noGrad(() => {
        copyInto(runningMean, lerp(runningMean, mean, this.momentum));
        copyInto(runningVariance, lerp(runningVariance, mul(variance, count / (count - 1)), this.momentum));
      });
      if (!weight || !bias) return out;
      // A separate op, because the statistics need no gradient where only weight and bias do, as in a first layer.
      const shape = [weight.size, ...x.shape.slice(2).map(() => 1)];
      return cast(addcmul(reshape(bias, shape), out, reshape(weight, shape)), x.dtype);
    });
  }
}

/** {@link BatchNorm2d} for x [N, C] or [N, C, L]. */
export class BatchNorm1d extends BatchNorm {
  constructor(channels: number, options: BatchNormOptions = {}) {
    super('BatchNorm1d', [2, 3], channels, options);
  }
}

/**
 * Batch norm of images [N, C, H, W]: in training by the statistics of the batch, which go into the running ones; in evaluation by these. Weight 1
 * and bias 0 in the beginning, momentum 0.1, eps 1e-5.
 */
export class BatchNorm2d extends BatchNorm {
  constructor(channels: number, options: BatchNormOptions = {}) {
    super('BatchNorm2d', [4], channels, options);
  }
}

/** Norm over each of `groups` groups of channels of x [N, C, ...]; weight and bias by channel unless `affine` is false. eps 1e-5. */
export class GroupNorm extends ChannelNorm {
  constructor(
    readonly groups: number,
    channels: number,
    options: ChannelNormOptions = {},
  ) {
    expectModuleOptions('GroupNorm', options, ['eps', 'affine']);
    super(channels, options.affine ?? true, options);
  }

  forward(x: Tensor): Tensor {
    return groupNorm(x, this.groups, this.weight, this.bias, this.eps);
  }
}

/** Norm over every channel of every image of x [N, C, ...]; weight and bias by channel where `affine` is true (default false). eps 1e-5. */
export class InstanceNorm extends ChannelNorm {
  constructor(channels: number, options: ChannelNormOptions = {}) {
    expectModuleOptions('InstanceNorm', options, ['eps', 'affine']);
    super(channels, options.affine ?? false, options);
  }

  forward(x: Tensor): Tensor {
    return instanceNorm(x, this.weight, this.bias, this.eps);
  }
}
