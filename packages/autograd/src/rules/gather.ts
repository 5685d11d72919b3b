/** Gradient rules of gather and scatter, joins and masks. */
import {
  add,
  arange,
  cast,
  cat,
  div,
  embedding,
  eq,
  expand,
  eye,
  gather,
  gatherRows,
  indexAdd,
  indexSelect,
  logicalAnd,
  lt,
  maskedFill,
  mul,
  narrow,
  ones,
  prod,
  reshape,
  scatter,
  scatterAdd,
  type ScatterReduction,
  type Shape,
  type Tensor,
  tril,
  triu,
  unsqueeze,
  where,
  zeros,
} from '@mudpt/tensor/functions';
import { nth, padConstant } from '@mudpt/tensor/internal';
import { type InputGradients, ruleFor } from '../rule.ts';
import { embeddingBackward, gatherBackward, gatherRowsBackward, indexSelectBackward } from './adjoints.ts';

export const gatherRule = ruleFor(gather, (context, x, axis, index) => {
  const [saved, from] = [context.save(index), x.shape];
  return {
    output: gather(x, axis, index),
    inputs: [x],
    takesF32: true,
    backward: (grad) => [gatherBackward(grad, from, axis, saved)],
  };
});

export const indexSelectRule = ruleFor(indexSelect, (context, x, axis, index) => {
  const [saved, from] = [context.save(index), x.shape];
  return {
    output: indexSelect(x, axis, index),
    inputs: [x],
    takesF32: true,
    backward: (grad) => [indexSelectBackward(grad, from, axis, saved)],
  };
});

export const gatherRowsRule = ruleFor(gatherRows, (context, x, index) => {
  const [saved, from] = [context.save(index), x.shape];
  return {
    output: gatherRows(x, index),
    inputs: [x],
    takesF32: true,
    backward: (grad) => [gatherRowsBackward(grad, from, saved)],
  };
});

export const embeddingRule = ruleFor(embedding, (context, weight, ids) => {
  const [saved, rows] = [context.save(ids), nth(weight.shape, 0)];
  return { output: embedding(weight, ids), inputs: [weight], backward: (grad) => [embeddingBackward(grad, saved, rows)] };
});

export const scatterAddRule = ruleFor(scatterAdd, (context, x, axis, index, source) => {
  const saved = context.needs(source) ? context.save(index) : undefined;
  return {
    output: scatterAdd(x, axis, index, source),
    inputs: [x, source],
    backward: (grad) => [grad, saved && gather(grad, axis, saved)],
  };
});

type Scattered = {
  readonly x: Tensor | undefined;
  readonly source: Tensor | undefined;
  readonly index: Tensor;
  readonly output: Tensor | undefined;
  readonly needs: { readonly x: boolean; readonly source: boolean };
  readonly axis: number;
};

/** The place of each index along its axis, as i32, and which elements of it came last. */
function isLast({ index, axis }: Scattered, shape: Shape): Tensor {
  const { device } = index;
  const size = nth(index.shape, axis);
  const places = expand(
    reshape(
      arange(size, { dtype: 'i32', device }),
      index.shape.map((_, at) => (at === axis ? size : 1)),
    ),
    index.shape,
  );
  return eq(gather(scatter(zeros(shape, { dtype: 'i32', device }), axis, index, places), axis, index), places);
}

const scattered: Readonly<Record<ScatterReduction, (grad: Tensor, saved: Scattered) => InputGradients>> = {
  add: (grad, { needs, axis, index }) => [grad, needs.source ? gather(grad, axis, index) : undefined],
  set: (grad, saved) => {
    const { needs, axis, index } = saved;
    return [
      needs.x ? scatter(grad, axis, index, zeros(index.shape, { device: grad.device, dtype: grad.dtype })) : undefined,
      needs.source ? where(isLast(saved, grad.shape), gather(grad, axis, index), 0) : undefined,
    ];
  },
  mul: (grad, { x, source, index, needs, axis }) => {
    if (!source) return [];
    const factors = (): Tensor =>
      scatter(ones(grad.shape, { device: grad.device, dtype: grad.dtype }), axis, index, source, { reduction: 'mul' });
    return [
      needs.x ? mul(grad, factors()) : undefined,
      x && mul(gather(mul(grad, x), axis, index), productOfOthers(source, index, axis, nth(grad.shape, axis))),
    ];
  },
  max: sharedByEqual,
  min: sharedByEqual,
};

/** Equal largest (smallest) elements, that of x among them, share the gradient: PyTorch's scatter_reduce. */
function sharedByEqual(grad: Tensor, { x, source, output, index, needs, axis }: Scattered): InputGradients {
  if (!x || !source || !output) return [];
  const chosenX = cast(eq(x, output), grad.dtype);
  const chosen = cast(eq(source, gather(output, axis, index)), grad.dtype);
  const share = div(grad, scatterAdd(chosenX, axis, index, chosen));
  return [needs.x ? mul(chosenX, share) : undefined, needs.source ? mul(chosen, gather(share, axis, index)) : undefined];
}

/** For each element of `source` the product of the others that go to its place: without division, so that zeros among them are right. */
function productOfOthers(source: Tensor, index: Tensor, axis: number, extent: number): Tensor {
  const size = nth(index.shape, axis);
  const signed = cast(index, 'i32');
  const place = where(lt(signed, 0), add(signed, extent), signed);
  const shares = eq(unsqueeze(place, axis), unsqueeze(place, axis + 1));
  const pair = [...index.shape.slice(0, axis).map(() => 1), size, size, ...index.shape.slice(axis + 1).map(() => 1)];
  const isOther = logicalAnd(shares, reshape(eq(eye(size, size, { device: source.device }), 0), pair));
  return prod(where(isOther, unsqueeze(source, axis), 1), axis + 1);
}

export const scatterRule = ruleFor(scatter, (context, x, axis, index, source, options = {}) => {
  const { reduction = 'set' } = options;
  const output = scatter(x, axis, index, source, options);
  const needs = { x: context.needs(x), source: context.needs(source) };
  const isExtreme = reduction === 'max' || reduction === 'min';
  const saved: Scattered = {
    x: isExtreme || (reduction === 'mul' && needs.source) ? context.save(x) : undefined,
    source: isExtreme || reduction === 'mul' ? context.save(source) : undefined,
    output: isExtreme ? context.save(output) : undefined,
    index: context.save(index),
    needs,
    axis: axis < 0 ? axis + x.rank : axis,
  };
  return { output, inputs: [x, source], backward: (grad) => scattered[reduction](grad, saved) };
});

export const indexAddRule = ruleFor(indexAdd, (context, x, axis, index, source) => {
  const saved = context.needs(source) ? context.save(index) : undefined;
  return {
    output: indexAdd(x, axis, index, source),
    inputs: [x, source],
    backward: (grad) => [grad, saved && indexSelect(grad, axis, saved)],
  };
});

export const catRule = ruleFor(cat, (context, tensors, axis = 0) => {
  const parts = tensors.map((tensor) => ({ needed: context.needs(tensor), shape: tensor.shape }));
  const joined = axis < 0 ? axis + nth(tensors, 0).rank : axis;
  return {
    output: cat(tensors, axis),
    takesF32: true,
    backward: (grad) => {
      let start = 0;
      return parts.map(({ needed, shape }) => {
        const length = nth(shape, joined);
        start += length;
        return needed ? narrow(grad, joined, start - length, length) : undefined;
      });
    },
  };
});

export const padConstantRule = ruleFor(padConstant, (_, x, amounts, value) => ({
  output: padConstant(x, amounts, value),
  backward: (grad) => [
    padConstant(
      grad,
      amounts.map(([before, after]) => [-before, -after] as const),
    ),
  ],
}));

export const maskedFillRule = ruleFor(maskedFill, (context, x, mask, value) => {
  const saved = context.save(mask);
  return { output: maskedFill(x, mask, value), inputs: [x], backward: (grad) => [maskedFill(grad, saved, 0)] };
});

export const trilRule = ruleFor(tril, (_, x, diagonal) => ({
  output: tril(x, diagonal),
  backward: (grad) => [tril(grad, diagonal)],
}));
export const triuRule = ruleFor(triu, (_, x, diagonal) => ({
  output: triu(x, diagonal),
  backward: (grad) => [triu(grad, diagonal)],
}));
