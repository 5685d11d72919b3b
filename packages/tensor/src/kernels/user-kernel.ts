/** Kernels made outside the engine: whole buffers are bound, so a view or another dtype would be read as wrong numbers. */
import { wgslType } from '../dtype.ts';
import { DTypeError, ShapeError } from '../errors.ts';
import { type ArgumentCheck, type Kernel, kernel as engineKernel, type KernelOptions, type ParamTypes } from './kernel.ts';
import { showShape } from '../shape.ts';
import { Storage } from '../engine/storage.ts';

/**
 * Makes a kernel of a `.wgsl` file of the engine. Compiling starts at the first dispatch of each variant.
 *
 * A dispatch refuses tensors whose dtype is not the binding's (bool is u32), and views whose elements do not lie in row-major order from the
 * start of their memory, unless the kernel is made with `strided`.
 */
/* @__NO_SIDE_EFFECTS__ */
export function shaderKernel<const P extends ParamTypes | undefined = undefined>(options: KernelOptions<P>): Kernel<P> {
  return engineKernel(options, options.strided ? expectElements : expectWhole);
}

const expectElements: ArgumentCheck = ({ label, bindings }, buffers) => {
  for (const { name, element } of bindings) {
    const given = buffers[name];
    if (!given || given instanceof Storage || element === undefined || wgslType(given.dtype) === element) continue;
    throw new DTypeError(
      `kernel ${label}`,
      `"${name}" has dtype ${given.dtype}, its binding ${element}`,
      `give ${name}.cast('${element}'), or make a variant of the kernel for ${given.dtype}`,
    );
  }
};

const expectWhole: ArgumentCheck = (entry, buffers) => {
  expectElements(entry, buffers);
  for (const { name, access } of entry.bindings) {
    const given = buffers[name];
    if (!given || given instanceof Storage || (given.isContiguous && given.offset === 0)) continue;
    const { shape, strides, offset } = given;
    throw new ShapeError(
      `kernel ${entry.label}`,
      `"${name}" is a view of shape ${showShape(shape)}, strides ${showShape(strides)} and offset ${offset}, but whole buffers are bound`,
      `${
        access === 'read' ? `give contiguousCopy(${name})` : `write into a tensor of its own and copyInto(${name}, it)`
      }, or make the kernel with strided: true and give it offset and strides as parameters`,
    );
  }
};
