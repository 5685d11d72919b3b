import { conv2d, type Conv2dOptions, type Tensor } from '@mudpt/tensor';
import { expectModuleOptions, type InitOptions, uniform } from './init.ts';
import { Module } from './module.ts';

/** Windows and groups of a {@link Conv2d}, and whether it has a bias (default true). */
export type ConvModuleOptions = InitOptions & Conv2dOptions & { readonly bias?: boolean };

/** Convolution of images [N, C, H, W]; weight [outputs, inputs / groups, kernel, kernel]. Begins as PyTorch's. */
export class Conv2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  private readonly options: Conv2dOptions;

  constructor(inputs: number, outputs: number, kernel: number, options: ConvModuleOptions = {}) {
    super();
    expectModuleOptions('Conv2d', options, ['bias', 'stride', 'padding', 'dilation', 'groups']);
    const { device, random, bias = true, ...windows } = options;
    const init: InitOptions = { ...(device && { device }), ...(random && { random }) };
    const fan = (inputs / (windows.groups ?? 1)) * kernel * kernel;
    this.weight = uniform([outputs, inputs / (windows.groups ?? 1), kernel, kernel], 1 / Math.sqrt(fan), init);
    this.bias = bias ? uniform([outputs], 1 / Math.sqrt(fan), init) : undefined;
    this.options = windows;
  }

  forward(x: Tensor): Tensor {
    return conv2d(x, this.weight, this.bias, this.options);
  }
}
