import {
  type Conv1dOptions,
  type Conv2dOptions,
  type Conv3dOptions,
  type ConvTranspose1dOptions,
  type ConvTranspose2dOptions,
  type Pair,
  type Tensor,
  type Triple,
} from '@mudpt/tensor/functions';
import { conv1d, conv2d, conv3d, convTranspose1d, convTranspose2d } from '../ops.ts';
import { expectModuleOptions, initOf, type InitOptions, uniform } from './init.ts';
import { Module } from './module.ts';

type ModuleOptions<O> = InitOptions & O & { readonly bias?: boolean };
/** Windows and groups of a {@link Conv1d}, and whether it has a bias (default true). */
export type Conv1dModuleOptions = ModuleOptions<Conv1dOptions>;
/** Windows and groups of a {@link Conv2d}, and whether it has a bias (default true). */
export type ConvModuleOptions = ModuleOptions<Conv2dOptions>;
/** Windows and groups of a {@link Conv3d}, and whether it has a bias (default true). */
export type Conv3dModuleOptions = ModuleOptions<Conv3dOptions>;
/** Windows and groups of a {@link ConvTranspose1d}, and whether it has a bias (default true). */
export type ConvTranspose1dModuleOptions = ModuleOptions<ConvTranspose1dOptions>;
/** Windows and groups of a {@link ConvTranspose2d}, and whether it has a bias (default true). */
export type ConvTranspose2dModuleOptions = ModuleOptions<ConvTranspose2dOptions>;

type Given = InitOptions & { readonly bias?: boolean; readonly groups?: number };
type Sizes = { readonly axes: number; readonly kernel: number | readonly number[]; readonly isTransposed?: boolean };

/** Weight and bias of a convolution, uniform in ± 1 / sqrt(inputs of an output): they begin as PyTorch's. */
abstract class Convolution<O extends object> extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  protected readonly options: O;

  protected constructor(
    name: string,
    inputs: number,
    outputs: number,
    { axes, kernel, isTransposed = false }: Sizes,
    given: Given & O,
  ) {
    super();
    const more = isTransposed ? ['outputPadding'] : [];
    expectModuleOptions(name, given, ['bias', 'stride', 'padding', 'dilation', 'groups', ...more]);
    const { device: _device, random: _random, bias = true, ...options } = given;
    const init = initOf(given);
    const taps = typeof kernel === 'number' ? Array.from({ length: axes }, () => kernel) : kernel;
    const [rows, columns] = isTransposed ? [inputs, outputs] : [outputs, inputs];
    const shape = [rows, columns / (given.groups ?? 1), ...taps];
    const fan = shape.slice(1).reduce((product, size) => product * size, 1);
    this.weight = uniform(shape, 1 / Math.sqrt(fan), init);
    this.bias = bias ? uniform([outputs], 1 / Math.sqrt(fan), init) : undefined;
    this.options = options as unknown as O;
  }
}

/** Convolution of sequences [N, C, L]; weight [outputs, inputs / groups, kernel]. Begins as PyTorch's. */
export class Conv1d extends Convolution<Conv1dOptions> {
  constructor(inputs: number, outputs: number, kernel: number, options: Conv1dModuleOptions = {}) {
    super('Conv1d', inputs, outputs, { axes: 1, kernel }, options);
  }

  forward(x: Tensor): Tensor {
    return conv1d(x, this.weight, this.bias, this.options);
  }
}

/** Convolution of images [N, C, H, W]; weight [outputs, inputs / groups, height, width of the kernel]. Begins as PyTorch's. */
export class Conv2d extends Convolution<Conv2dOptions> {
  constructor(inputs: number, outputs: number, kernel: Pair, options: ConvModuleOptions = {}) {
    super('Conv2d', inputs, outputs, { axes: 2, kernel }, options);
  }

  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.bias, this.options);
  }
}

/** Convolution of volumes [N, C, D, H, W]; weight [outputs, inputs / groups, ...kernel]. Begins as PyTorch's. */
export class Conv3d extends Convolution<Conv3dOptions> {
  constructor(inputs: number, outputs: number, kernel: Triple, options: Conv3dModuleOptions = {}) {
    super('Conv3d', inputs, outputs, { axes: 3, kernel }, options);
  }

  forward(x: Tensor): Tensor {
    return conv3d(x, this.weight, this.bias, this.options);
  }
}

/** Transposed convolution of sequences [N, C, L]; weight [inputs, outputs / groups, kernel]. Begins as PyTorch's. */
export class ConvTranspose1d extends Convolution<ConvTranspose1dOptions> {
  constructor(inputs: number, outputs: number, kernel: number, options: ConvTranspose1dModuleOptions = {}) {
    super('ConvTranspose1d', inputs, outputs, { axes: 1, kernel, isTransposed: true }, options);
  }

  forward(x: Tensor): Tensor {
    return convTranspose1d(x, this.weight, this.bias, this.options);
  }
}

/** Transposed convolution of images [N, C, H, W]; weight [inputs, outputs / groups, height, width of the kernel]. Begins as PyTorch's. */
export class ConvTranspose2d extends Convolution<ConvTranspose2dOptions> {
  constructor(inputs: number, outputs: number, kernel: Pair, options: ConvTranspose2dModuleOptions = {}) {
    super('ConvTranspose2d', inputs, outputs, { axes: 2, kernel, isTransposed: true }, options);
  }

  forward(x: Tensor): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.options);
  }
}
