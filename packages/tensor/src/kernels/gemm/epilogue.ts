/** Epilogues of the gemm kernels: bindings, defines and parameters. */
import { type Defines, gemmReduceWgsl } from '@mudpt/shaders';
import { type DType, wgslType } from '../../dtype.ts';
import type { Tensor } from '../../tensor.ts';
import { kernel } from '../kernel.ts';
import type { Activation, Epilogue, Problem } from './problem/problem.ts';

/** Adds partial sums up and applies the epilogue that the kernels of split products leave out. */
export const reduceKernel = kernel({ name: 'gemm.reduce', source: gemmReduceWgsl });

/** Numbers of the activations in activation.wgsl, where ACT is "any". */
const ACTIVATION_CODES: Readonly<Record<Activation, number>> = { none: 0, relu: 1, quickGelu: 2, silu: 3, geluTanh: 4, gelu: 5 };

/** The parameters of gemm/params.wgsl that follow from an epilogue; the offset of a missing tensor is not read. */
export function epilogueParams({ bias, activation = 'none', save, grad, residual, alpha = 1 }: Epilogue): Record<string, number> {
  return {
    bias_offset: bias?.offset ?? 0,
    bias_row: bias?.row ?? 0,
    bias_col: bias?.col ?? 0,
    pre_offset: (save ?? grad)?.offset ?? 0,
    residual_offset: residual?.offset ?? 0,
    alpha,
    has_bias: bias ? 1 : 0,
    has_residual: residual ? 1 : 0,
    has_pre: grad ? 1 : 0,
    act: ACTIVATION_CODES[activation],
  };
}

/** Bindings and defines of an epilogue. */
export type EpilogueBinding = {
  readonly buffers: Readonly<Record<string, Tensor>>;
  readonly defines: Defines;
};

/**
 * @param dtype of the result
 * @param shared compile in everything that an epilogue may have, for CPU adapters, where every pipeline takes long to compile: parameters say what is
 * used, and `a` is bound in place of missing tensors. Not included are `save`, which would be written, and the code of gelu.
 */
export function bindEpilogue({ a, epilogue }: Problem, dtype: DType, shared: boolean): EpilogueBinding {
  const { activation = 'none', save } = epilogue;
  const standIn = shared ? a.tensor : undefined;
  const alike = a.tensor.dtype === dtype ? standIn : undefined;
  const bias = epilogue.bias?.tensor ?? standIn;
  const residual = epilogue.residual ?? alike;
  const grad = save ? undefined : (epilogue.grad ?? alike);
  const pre = save ?? grad;
  return {
    buffers: { ...(bias && { bias }), ...(residual && { residual }), ...(pre && { pre }) },
    defines: {
      TC: wgslType(dtype),
      TBIAS: wgslType(bias?.dtype ?? 'f32'),
      TPRE: wgslType(pre?.dtype ?? dtype),
      BIAS: bias ? (epilogue.bias?.row ? 2 : 1) : 0,
      ACT: shared && activation !== 'gelu' ? 'any' : activation,
      SAVE: save ? 1 : 0,
      GRAD: grad ? 1 : 0,
      RES: residual ? 1 : 0,
    },
  };
}
