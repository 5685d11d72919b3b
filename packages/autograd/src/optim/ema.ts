import { optimEmaWgsl } from '@mudpt/shaders';
import { copyInto, keep, type Tensor, TensorError } from '@mudpt/tensor/functions';
import { nth } from '@mudpt/tensor/internal';
import { grid1d, shaderKernel, view, workPerThread } from '@mudpt/tensor/kernels';
import { expectShare } from '../checks.ts';
import { noGrad } from '../parameter.ts';
import { BLOCK, layOut, packInto, type Places } from './arena.ts';

const ema = shaderKernel({ name: 'optim.ema', source: optimEmaWgsl, strided: true });

/** A running average of parameters: average = decay average + (1 - decay) parameter, beginning with the parameters themselves. */
export class EMA {
  private readonly flat: Tensor;
  private readonly places: Places;

  constructor(
    readonly parameters: readonly Tensor[],
    readonly decay: number,
  ) {
    expectShare('EMA', 'decay', decay);
    this.places = layOut(parameters);
    this.flat = keep(packInto(parameters, this.places));
  }

  /** Updates the averages with the parameters' present values. */
  update(): void {
    using now = packInto(this.parameters, this.places);
    const count = (this.places.blocks * BLOCK) / 4;
    const work = workPerThread(now.device, 'optimizer', 'flat');
    ema.dispatch(now.device, {
      buffers: { p: now, average: this.flat },
      params: { count, decay: this.decay, rest: 1 - this.decay },
      grid: grid1d(count, work.group * work.vectors),
      defines: { WG: work.group, PER: work.vectors },
      bytes: 12 * now.size,
    });
  }

  /** The average of `parameter`: a view that follows updates. @throws TensorError for a tensor that is not averaged */
  average(parameter: Tensor): Tensor {
    const index = this.parameters.indexOf(parameter);
    if (index < 0)
      throw new TensorError('EMA', `it averages no parameter ${parameter.toString()}`, 'ask for one of those it was made with');
    const { shape } = parameter;
    const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
    return view(this.flat, { shape, strides, offset: nth(this.places.offsets, index) });
  }

  /** Writes the averages into the parameters. */
  apply(): void {
    for (const parameter of this.parameters) {
      using average = this.average(parameter);
      noGrad(() => copyInto(parameter, average));
    }
  }

  dispose(): void {
    this.flat.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
