/**
 * Initial values of parameters, drawn on the host: the same bits on every adapter, which the GPU's logarithm and cosine would not give, and known before a
 * device does anything. Distributions are PyTorch's; its numbers are not. Ten million take about half a second; random tensors inside a step come
 * from the tensor package's `randn`.
 */
import { type Device, keep, type Shape, ShapeError, sizeOf, type Tensor, tensor } from '@mudpt/tensor/functions';
import { expectOptions } from '@mudpt/tensor/kernels';
import { parameter } from '../parameter.ts';
import { initialRandom, type Random } from '../random.ts';

/** Where parameters are made, and from which numbers. */
export type InitOptions = {
  /** Default: the device opened first. */
  readonly device?: Device;
  /** Where initial values come from; share one among modules. Default: the ambient stream, that of `withSeed` or else of the process. */
  readonly random?: Random;
};

/** Options that a module passes on to its submodules. */
export function initOf({ device, random }: InitOptions): InitOptions {
  return { ...(device && { device }), ...(random && { random }) };
}

/** @throws TensorError for an option that a module does not have: allowed are `more` and those of {@link InitOptions} */
export function expectModuleOptions(op: string, options: object, more: readonly string[]): void {
  expectOptions(op, options, ['device', 'random', ...more]);
}

/** Uniform in -bound..bound. */
export function uniform(shape: Shape, bound: number, { device, random = initialRandom('uniform') }: InitOptions): Tensor {
  return drawTensor(shape, () => (2 * random() - 1) * bound, device);
}

/** Normal with standard deviation `deviation`. */
export function normal(shape: Shape, deviation: number, { device, random = initialRandom('normal') }: InitOptions): Tensor {
  return drawTensor(shape, () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()) * deviation, device);
}

function drawTensor(shape: Shape, draw: () => number, device: Device | undefined): Tensor {
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i += 1) values[i] = draw();
  return parameter(tensor(values, { shape, ...(device && { device }) }));
}

/** `given` as a tensor of a module: out of its scope, learnt if it already is, of shape `shape`. @throws ShapeError naming `name` */
export function adopt(op: string, name: string, given: Tensor, shape: Shape): Tensor {
  given.expectLive(op);
  if (given.shape.join() !== shape.join()) {
    throw new ShapeError(
      op,
      `${name} has shape [${given.shape.join(', ')}]`,
      `give it the shape [${shape.join(', ')}] that the sizes ask for`,
    );
  }
  return keep(given);
}

/** A parameter of one repeated value, f32. */
export function filled(shape: Shape, value: number, { device }: InitOptions): Tensor {
  const values = new Float32Array(sizeOf(shape)).fill(value);
  return parameter(tensor(values, { shape, ...(device && { device }) }));
}
