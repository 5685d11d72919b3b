/** Linear layers with fused epilogue, and the pieces of their gradient. */
import { activationGradWgsl } from '@mudpt/shaders';
import { expectDType, type FloatDType, promote, wgslType } from '../../dtype.ts';
import { ShapeError } from '../../errors.ts';
import { grid1d, kernel } from '../../kernels/kernel.ts';
import { defineOp } from '../../definition/op.ts';
import { expectOneOf } from '../../definition/options.ts';
import { sameShape, type Shape, showShape, sizeOf } from '../../shape.ts';
import { empty, view } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { columnSum } from '../../kernels/column-sum.ts';
import { cast, contiguous } from '../views/copy.ts';
import { gemm } from '../../kernels/gemm/gemm.ts';
import { type Activation, type Epilogue, matricesOf, type Operand } from '../../kernels/gemm/problem/problem.ts';
import { expectFloats } from './matmul.ts';
import { lastOf, nth } from '../../values.ts';

const activationGradKernel = kernel({ name: 'activation.grad', source: activationGradWgsl });

/** Activations that `linear` can fuse; `none` is the identity. */
export const ACTIVATIONS: readonly Activation[] = ['none', 'relu', 'gelu', 'geluTanh', 'quickGelu', 'silu'];

export type { Activation } from '../../kernels/gemm/problem/problem.ts';

/** What {@link linear} fuses with the product. */
export type LinearOptions = {
  /** Applied to x W^T + bias. Default 'none'. */
  readonly activation?: Activation;
  /** Tensor added after the activation, of the result's shape. */
  readonly residual?: Tensor;
  /** dtype of the result, to which the residual is converted too. Default: f16 where x and weight are f16, else f32. Sums are f32 in either case. */
  readonly dtype?: FloatDType | undefined;
};

/**
 * act(x W^T + bias) + residual in one kernel: x [..., in], weight [out, in], bias [out] gives [..., out].
 * @throws ShapeError when sizes do not fit; DTypeError for integers
 * @example
 * console.log(await tensor([[1, 2]]).linear(tensor([[1, 1], [0, 1]])).array()); // [[3,2]]
 */
export const linear = defineOp('linear', (x: Tensor, weight: Tensor, bias?: Tensor, options: LinearOptions = {}): Tensor => {
  return forward(x, weight, bias, options).output;
});

/** As {@link linear}, and the values before the activation, of the result's dtype, where a gradient needs them (`pre` is undefined for 'none'). */
export function linearForward(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: LinearOptions = {},
): { readonly output: Tensor; readonly pre: Tensor | undefined } {
  return forward(x, weight, bias, options, { keepsPre: true });
}

/** The shape and dtype of {@link linear}. @throws ShapeError, DTypeError, TensorError */
export function linearResult(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  { activation = 'none', residual, dtype = promote(x.dtype, weight.dtype) as FloatDType }: LinearOptions,
): { readonly shape: Shape; readonly dtype: FloatDType } {
  expectFloats('linear', x, weight, ...(bias ? [bias] : []), ...(residual ? [residual] : []));
  expectActivation('linear', activation);
  expectDType('linear', 'the result', dtype, ['f32', 'f16']);
  const [outSize, inSize] = expectWeight('linear', weight);
  if (x.rank === 0 || x.shape.at(-1) !== inSize) {
    throw new ShapeError(
      'linear',
      `x ${showShape(x.shape)} does not end in ${inSize}, the inputs of weight ${showShape(weight.shape)}`,
      'give x [..., in] and weight [out, in]',
    );
  }
  if (bias && !sameShape(bias.shape, [outSize])) {
    throw new ShapeError(
      'linear',
      `bias ${showShape(bias.shape)} does not fit weight ${showShape(weight.shape)}`,
      `give bias [${outSize}]`,
    );
  }
  const shape = [...x.shape.slice(0, -1), outSize];
  expectSame('linear', 'residual', residual, shape);
  return { shape, dtype };
}

function forward(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  options: LinearOptions,
  { keepsPre = false } = {},
): { output: Tensor; pre: Tensor | undefined } {
  const { shape, dtype } = linearResult(x, weight, bias, options);
  const { activation = 'none', residual } = options;
  const output = empty(x.device, shape, dtype);
  const pre = keepsPre && activation !== 'none' ? empty(x.device, shape, dtype) : undefined;
  using added = residual && like(residual, output);
  const w = matricesOf(weight, true);
  product(x, { ...w, batch: [] }, nth(weight.shape, 0), output, {
    activation,
    ...(bias && { bias: { tensor: bias, offset: bias.offset, row: 0, col: nth(bias.strides, 0) } }),
    ...(pre && { save: pre }),
    ...(added && { residual: added }),
  });
  return { output, pre };
}

/** What {@link linearBackwardInput} may fuse: the derivative of the activation that produced the layer's input. */
export type InputGradientOptions = {
  /** Values before that activation, of the shape of dX, f32 or f16. */
  readonly pre?: Tensor;
  readonly activation?: Activation;
};

/**
 * dX = dY W [* act'(pre)]: the gradient of the input of `linear`, dY [..., out] and weight [out, in] giving [..., in]. With `pre` it is the gradient
 * before the activation of the previous layer, in the same kernel.
 */
export function linearBackwardInput(dY: Tensor, weight: Tensor, options: InputGradientOptions = {}): Tensor {
  const { pre, activation = 'none' } = options;
  expectFloats('linearBackwardInput', dY, weight, ...(pre ? [pre] : []));
  expectActivation('linearBackwardInput', activation);
  const [outSize, inSize] = expectWeight('linearBackwardInput', weight);
  expectSame('linearBackwardInput', 'dY', dY, [...dY.shape.slice(0, -1), outSize]);
  const shape = [...dY.shape.slice(0, -1), inSize];
  expectSame('linearBackwardInput', 'pre', pre, shape);
  const output = empty(dY.device, shape, promote(dY.dtype, weight.dtype));
  using saved = pre && activation !== 'none' ? contiguous.run(pre) : undefined;
  product(dY, { ...matricesOf(weight), batch: [] }, inSize, output, saved ? { activation, grad: saved } : {});
  return output;
}

/** dY * act'(pre): the gradient before the activation, for the output of `linear` itself. dY and pre have one shape; so has the result, in dY's dtype. */
export function activationBackward(dY: Tensor, pre: Tensor, activation: Activation): Tensor {
  expectFloats('activationBackward', dY, pre);
  expectActivation('activationBackward', activation);
  expectSame('activationBackward', 'pre', pre, dY.shape);
  using gradient = contiguous.run(dY);
  using saved = like(pre, dY);
  const out = empty(dY.device, dY.shape, dY.dtype);
  activationGradKernel.dispatch(dY.device, {
    buffers: { dy: gradient, pre: saved, y: out },
    params: { count: dY.size, dy_offset: gradient.offset, pre_offset: saved.offset },
    grid: grid1d(dY.size, 256),
    defines: { T: wgslType(dY.dtype), ACT: activation },
    bytes: 12 * dY.size,
  });
  return out;
}

/** dW = dY^T X summed over all leading axes: dY [..., out], x [..., in] giving [out, in] in f32. */
export function linearBackwardWeight(dY: Tensor, x: Tensor): Tensor {
  expectFloats('linearBackwardWeight', dY, x);
  if (!sameShape(dY.shape.slice(0, -1), x.shape.slice(0, -1)) || dY.rank === 0 || x.rank === 0) {
    throw new ShapeError(
      'linearBackwardWeight',
      `dY ${showShape(dY.shape)} and x ${showShape(x.shape)} differ before their last axis`,
      'give dY [..., out] and x [..., in]',
    );
  }
  using rowsOfY = asRows(dY);
  using rowsOfX = asRows(x);
  const [count = 0, outSize = 0] = rowsOfY.shape;
  const inSize = nth(rowsOfX.shape, 1);
  const dW = empty(dY.device, [outSize, inSize]);
  gemm({
    batch: [],
    m: outSize,
    n: inSize,
    k: count,
    a: matricesOf(rowsOfY, true),
    b: matricesOf(rowsOfX),
    c: matricesOf(dW),
    epilogue: {},
  });
  return dW;
}

/** dBias = dY summed over all leading axes: [..., out] giving [out] in f32. */
export function linearBackwardBias(dY: Tensor): Tensor {
  expectFloats('linearBackwardBias', dY);
  if (dY.rank === 0) throw new ShapeError('linearBackwardBias', 'dY is a scalar', 'give dY [..., out]');
  using rows = asRows(dY);
  const [count = 0] = rows.shape;
  const chunk = Math.max(32, Math.ceil(Math.sqrt(count)));
  const splits = Math.ceil(count / chunk);
  if (splits <= 1) return columnSum(rows, Math.max(1, count), 1);
  using partial = columnSum(rows, chunk, splits);
  return columnSum(partial, splits, 1);
}

/** x [..., K] times `w` (K x n, the same for all rows) into `output` [..., n]. */
function product(x: Tensor, w: Operand, n: number, output: Tensor, epilogue: Epilogue): void {
  const batch = x.shape.slice(0, -2);
  const m = x.rank > 1 ? (x.shape.at(-2) ?? 1) : 1;
  const repeated = { ...w, batch: batch.map(() => 0) };
  gemm({ batch, m, n, k: lastOf(x.shape), a: matricesOf(x), b: repeated, c: matricesOf(output), epilogue });
}

/** `t` [..., C] as [rows, C]: a view where its strides allow, else a copy. */
function asRows(t: Tensor): Tensor {
  const columns = lastOf(t.shape);
  const rows = sizeOf(t.shape.slice(0, -1));
  if (t.rank === 2) return view(t, t);
  using flat = contiguous.run(t);
  return view(flat, { shape: [rows, columns], strides: [columns, 1] });
}

/** `t` contiguous and of the dtype of `output`, as the epilogue addresses it. */
function like(t: Tensor, output: Tensor): Tensor {
  using converted = cast.run(t, output.dtype);
  return contiguous.run(converted);
}

function expectWeight(op: string, weight: Tensor): [number, number] {
  const [outSize, inSize] = weight.shape;
  if (weight.rank !== 2 || outSize === undefined || inSize === undefined) {
    throw new ShapeError(op, `weight ${showShape(weight.shape)} is no matrix`, 'give weight [out, in]');
  }
  return [outSize, inSize];
}

const expectActivation = (op: string, activation: Activation): void => expectOneOf(op, 'activation', activation, ACTIVATIONS);

function expectSame(op: string, name: string, t: Tensor | undefined, shape: Shape): void {
  if (!t || sameShape(t.shape, shape)) return;
  throw new ShapeError(
    op,
    `${name} ${showShape(t.shape)} is not of the shape ${showShape(shape)} it is combined with`,
    `give ${name} that shape`,
  );
}
