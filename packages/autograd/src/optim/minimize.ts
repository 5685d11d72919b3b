/** L-BFGS over parameters: the loss and its gradients on the device, the method's vectors on the host. */
import { capture, cat, copyInto, DTypeError, reshape, type Tensor, tensor, TensorError, zeros } from '@mudpt/tensor/functions';
import { view } from '@mudpt/tensor/kernels';
import { noGrad } from '../parameter.ts';
import { lossAndGradients } from '../transforms/loss-and-gradients.ts';
import { type LbfgsEvaluation, lbfgs, type LbfgsOptions, type LbfgsResult } from './lbfgs.ts';

/** Options of {@link minimize}. */
export type MinimizeOptions = Partial<LbfgsOptions>;

/**
 * Minimises `loss`, a function of `parameters` alone (all data at once: no batches, no dropout), by L-BFGS, and leaves the minimum in them. The loss is captured;
 * each evaluation is one submit and one read.
 * @param options maxIterations 100, tolerance 1e-5 of the largest element of the gradient, memory 10
 * @returns the last loss, the iterations, and why it ended
 * @throws TensorError when there are no parameters, DTypeError unless they are f32, and what `onIteration` throws
 * @example
 * const w = parameter(tensor([3]));
 * await minimize(() => w.sub(1).square().sum(), [w]);
 * console.log((await w.item()).toFixed(3)); // 1.000
 */
export async function minimize(
  loss: () => Tensor,
  parameters: readonly Tensor[],
  options: MinimizeOptions = {},
): Promise<Omit<LbfgsResult, 'x'>> {
  const [first] = parameters;
  if (!first) throw new TensorError('minimize', 'there are no parameters', 'give module.parameters()');
  const odd = parameters.find(({ dtype }) => dtype !== 'f32');
  if (odd) throw new DTypeError('minimize', `parameter ${odd.toString()} is not f32`, 'learn in f32');
  const { device } = first;
  const size = parameters.reduce((sum, parameter) => sum + parameter.size, 0);

  const write = (x: Tensor): void => {
    let offset = 0;
    for (const parameter of parameters) {
      const strides = parameter.shape.map((_, axis) => parameter.shape.slice(axis + 1).reduce((a, b) => a * b, 1));
      using part = view(x, { shape: parameter.shape, strides, offset: x.offset + offset });
      noGrad(() => copyInto(parameter, part));
      offset += parameter.size;
    }
  };
  using step = capture(
    ({ x }: { x: Tensor }) => {
      write(x);
      const { value, gradients } = lossAndGradients(loss);
      const flat = parameters.map((parameter) => {
        const gradient = gradients.get(parameter);
        return gradient ? reshape(gradient, [-1]) : zeros([parameter.size], { device });
      });
      return { value, gradient: cat(flat) };
    },
    { device },
  );
  const evaluate = async (x: Float64Array): Promise<LbfgsEvaluation> => {
    const { value, gradient } = step({ x: { data: Float32Array.from(x), shape: [size] } });
    return { value: await value.item(), gradient: Float64Array.from(await gradient.data()) };
  };
  const start = new Float64Array(size);
  let offset = 0;
  for (const parameter of parameters) {
    start.set(await parameter.data(), offset);
    offset += parameter.size;
  }
  const { x, ...report } = await lbfgs(evaluate, start, { maxIterations: 100, tolerance: 1e-5, ...options });
  using found = tensor(Float32Array.from(x), { device });
  write(found);
  return report;
}
