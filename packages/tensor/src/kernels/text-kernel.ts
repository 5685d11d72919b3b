/** Kernels written as strings, which may include any WGSL file of the engine. */
import { type Shader, wgsl } from '@mudpt/shaders';
import type { Kernel, KernelOptions, ParamTypes } from './kernel.ts';
import { shaderKernel } from './user-kernel.ts';

/** What {@link kernel} makes a kernel of. P: the parameters it declares, or undefined when the WGSL declares its own. */
export type TextKernelOptions<P extends ParamTypes | undefined> = Omit<KernelOptions<P>, 'source' | 'constants' | 'library'> & {
  /**
   * WGSL, with the preprocessor's directives (docs/how-to-write-a-kernel.md). Declares its storage bindings in group 0 and an entry
   * point `main`. It may include files of the engine: `#include "math.wgsl"`.
   */
  readonly source: string | Shader;
};

/**
 * Makes a kernel of `source`. Compiling starts at the first dispatch of each variant.
 *
 * A dispatch refuses tensors whose dtype is not the binding's (bool is u32), and views whose elements do not lie in row-major order from the
 * start of their memory, unless the kernel is made with `strided`.
 */
/* @__NO_SIDE_EFFECTS__ */
export function kernel<const P extends ParamTypes | undefined = undefined>(options: TextKernelOptions<P>): Kernel<P> {
  const { source } = options;
  if (typeof source !== 'string') return shaderKernel({ ...options, source });
  return shaderKernel({ ...options, source: { file: options.name, text: source, includes: Object.values(wgsl) } });
}
