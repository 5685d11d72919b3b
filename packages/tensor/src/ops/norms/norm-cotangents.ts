/** The backward kernel of norms, and its cotangents as all its launches bind them. */
import { normBackwardWgsl } from '@mudpt/shaders';
import { type DType, promote } from '../../dtype.ts';
import { kernel } from '../../kernels/kernel.ts';
import { RowView } from '../../kernels/row-launch.ts';
import type { Tensor } from '../../tensor.ts';
import { cast } from '../views/copy.ts';

/** Of rows, of rows after a prefix (norm-prefixed.ts) and of normalised rows (norm-normalised.ts). */
export const normBackwardKernel = kernel({ name: 'norm.backward', source: normBackwardWgsl });

/** Both cotangents of a norm in the wider of their dtypes, as rows. Holds references: dispose it. */
export class CotangentRows implements Disposable {
  readonly dtype: DType;
  /** Of the result. */
  readonly grad: RowView;
  private readonly added: RowView;
  private readonly isAdded: boolean;

  /**
   * @param grad cotangent of the result
   * @param sumGrad cotangent of the input itself, which is added to its gradient
   * @param standIn any tensor that the kernel reads, bound where there is no such cotangent
   */
  constructor(grad: Tensor, sumGrad: Tensor | undefined, standIn: Tensor) {
    this.dtype = sumGrad ? promote(grad.dtype, sumGrad.dtype) : grad.dtype;
    this.isAdded = sumGrad !== undefined;
    using alike = cast.run(grad, this.dtype);
    this.grad = new RowView(alike);
    using added = sumGrad && cast.run(sumGrad, this.dtype);
    this.added = new RowView(added ?? standIn);
  }

  /** Offsets and strides that have to be multiples of what the kernel reads at once. */
  get steps(): readonly number[] {
    const { grad, added } = this;
    return [grad.offset, grad.stride, added.offset, added.stride];
  }

  get buffers(): { readonly grad: Tensor; readonly residual_grad: Tensor } {
    return { grad: this.grad.tensor, residual_grad: this.added.tensor };
  }

  /** @param unit elements that the kernel reads at once */
  params(unit: number): Readonly<Record<string, number | boolean>> {
    const { grad, added, isAdded } = this;
    return {
      grad_offset: grad.offset / unit,
      grad_stride: (grad.stride / unit) >>> 0,
      has_residual: isAdded,
      residual_offset: added.offset / unit,
      residual_stride: (added.stride / unit) >>> 0,
    };
  }

  /** Tensors of the size of the input that the kernel reads and writes, besides the input. */
  get passes(): number {
    return this.isAdded ? 3 : 2;
  }

  [Symbol.dispose](): void {
    this.grad[Symbol.dispose]();
    this.added[Symbol.dispose]();
  }
}
