/** Layers without parameters for images: pools, resizing, flattening. */
import {
  type AvgPoolOptions,
  flatten,
  type MaxPoolOptions,
  type Pair,
  type ResizeOptions,
  type Tensor,
} from '@mudpt/tensor/functions';
import { adaptiveAvgPool2d, avgPool2d, maxPool2d, resize } from '../ops.ts';
import { Module } from './module.ts';

/** {@link maxPool2d} as a layer. */
export class MaxPool2d extends Module {
  constructor(
    readonly kernelSize: Pair,
    readonly options: MaxPoolOptions = {},
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return maxPool2d(x, this.kernelSize, this.options);
  }
}

/** {@link avgPool2d} as a layer. */
export class AvgPool2d extends Module {
  constructor(
    readonly kernelSize: Pair,
    readonly options: AvgPoolOptions = {},
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.options);
  }
}

/** {@link adaptiveAvgPool2d} as a layer. */
export class AdaptiveAvgPool2d extends Module {
  constructor(readonly size: Pair) {
    super();
  }

  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.size);
  }
}

/** {@link resize} as a layer: `new Upsample({ scale: 2, mode: 'linear' })`. */
export class Upsample extends Module {
  constructor(readonly options: ResizeOptions) {
    super();
  }

  forward(x: Tensor): Tensor {
    return resize(x, this.options);
  }
}

/** {@link flatten} as a layer: by default all axes but the first become one. */
export class Flatten extends Module {
  constructor(
    readonly start = 1,
    readonly end = -1,
  ) {
    super();
  }

  forward(x: Tensor): Tensor {
    return flatten(x, this.start, this.end);
  }
}
