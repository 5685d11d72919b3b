/** Weights by name on their way onto the device. */
import {
  cast,
  type Device,
  type FloatDType,
  InputError,
  keep,
  type Shape,
  sizeOf,
  Tensor,
  tensor,
  tensorFromBytes,
  toFloat32,
} from '@mudpt/tensor';
import type { ClipWeights, HostTensor, WeightDType } from './weight-shapes.ts';

/**
 * Hands out weights by name as the towers ask for them, checked. Tensors on the device are taken over as they are where their dtype
 * serves, else converted and released.
 */
export class WeightBox {
  constructor(
    private readonly weights: ClipWeights,
    private readonly device: Device,
    private readonly options: {
      readonly dtype?: WeightDType | undefined;
      readonly activationDType?: FloatDType | undefined;
      readonly tokensOnDevice?: boolean | undefined;
    } = {},
  ) {}

  /** dtype of the activations of blocks that are made of these weights. */
  get activationDType(): FloatDType | undefined {
    return this.options.activationDType;
  }

  /** @throws InputError naming the first weight of another shape than it should have */
  check(shapes: ReadonlyMap<string, Shape>): void {
    for (const [name, shape] of shapes) this.find(name, shape);
  }

  /** A weight that products read: f32 or f16, as asked for or as it comes. */
  matrix(name: string, shape: Shape): Tensor {
    const found = this.find(name, shape);
    return this.take(found, this.options.dtype ?? (found.dtype === 'f16' && this.device.hasF16 ? 'f16' : 'f32'));
  }

  /** A weight that is added or scales: f32. */
  vector(name: string, shape: Shape): Tensor {
    return this.take(this.find(name, shape), 'f32');
  }

  /** A table of which single rows are read: one in host memory stays there, unless it is wanted on the device. */
  table(name: string, shape: Shape): Tensor | HostTensor {
    const found = this.find(name, shape);
    return found instanceof Tensor || this.options.tokensOnDevice ? this.matrix(name, shape) : found;
  }

  private find(name: string, shape: Shape): Tensor | HostTensor {
    const found = this.weights[name];
    if (!found)
      throw new InputError('clipFromTensors', `the weight ${name} is missing`, `give it, of shape [${shape.join(', ')}]`);
    const count = found instanceof Tensor ? sizeOf(found.shape) : found.data.length;
    if (found.shape.join() !== shape.join() || count !== sizeOf(shape)) {
      throw new InputError(
        'clipFromTensors',
        `${name} has shape [${found.shape.join(', ')}] and ${count} elements, [${shape.join(', ')}] is expected`,
        'give the weights and the config of one model',
      );
    }
    return found;
  }

  private take(found: Tensor | HostTensor, dtype: WeightDType): Tensor {
    if (!(found instanceof Tensor)) return keep(upload(found, dtype, this.device));
    if (found.dtype === dtype) return keep(found);
    const converted = keep(cast(found, dtype));
    found.dispose();
    return converted;
  }
}

/** A weight on the device. */
export function upload({ shape, dtype: from, data }: HostTensor, dtype: WeightDType, device: Device): Tensor {
  if (from === 'f16' && dtype === 'f16')
    return tensorFromBytes(new Uint8Array(Uint16Array.from(data).buffer), shape, 'f16', device);
  return tensor(from === 'f16' ? widen(data) : data, { shape, dtype, device });
}

/** f16 words as f32 values, exactly. */
export function widen(words: Uint16Array): Float32Array {
  return toFloat32('F16', new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
}
