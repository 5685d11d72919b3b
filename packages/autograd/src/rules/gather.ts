/** Gradient rules of gather and scatter, joins and masks. */
import {
  cat,
  embedding,
  gather,
  gatherRows,
  indexAdd,
  indexSelect,
  maskedFill,
  narrow,
  pad,
  scatterAdd,
  tril,
  triu,
} from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import { defineRule } from '../rule.ts';
import { embeddingBackward, gatherBackward, gatherRowsBackward, indexSelectBackward } from './adjoints.ts';

defineRule(gather, (context, x, axis, index) => {
  const [saved, from] = [context.save(index), x.shape];
  return { output: gather(x, axis, index), inputs: [x], backward: (grad) => [gatherBackward(grad, from, axis, saved)] };
});

defineRule(indexSelect, (context, x, axis, index) => {
  const [saved, from] = [context.save(index), x.shape];
  return { output: indexSelect(x, axis, index), inputs: [x], backward: (grad) => [indexSelectBackward(grad, from, axis, saved)] };
});

defineRule(gatherRows, (context, x, index) => {
  const [saved, from] = [context.save(index), x.shape];
  return { output: gatherRows(x, index), inputs: [x], backward: (grad) => [gatherRowsBackward(grad, from, saved)] };
});

defineRule(embedding, (context, weight, ids) => {
  const [saved, rows] = [context.save(ids), nth(weight.shape, 0)];
  return { output: embedding(weight, ids), inputs: [weight], backward: (grad) => [embeddingBackward(grad, saved, rows)] };
});

defineRule(scatterAdd, (context, x, axis, index, source) => {
  const saved = context.needs(source) ? context.save(index) : undefined;
  return {
    output: scatterAdd(x, axis, index, source),
    inputs: [x, source],
    backward: (grad) => [grad, saved && gather(grad, axis, saved)],
  };
});

defineRule(indexAdd, (context, x, axis, index, source) => {
  const saved = context.needs(source) ? context.save(index) : undefined;
  return {
    output: indexAdd(x, axis, index, source),
    inputs: [x, source],
    backward: (grad) => [grad, saved && indexSelect(grad, axis, saved)],
  };
});

defineRule(cat, (context, tensors, axis = 0) => {
  const parts = tensors.map((tensor) => ({ needed: context.needs(tensor), shape: tensor.shape }));
  const joined = axis < 0 ? axis + nth(tensors, 0).rank : axis;
  return {
    output: cat(tensors, axis),
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

defineRule(pad, (_, x, amounts, value) => ({
  output: pad(x, amounts, value),
  backward: (grad) => [
    pad(
      grad,
      amounts.map(([before, after]) => [-before, -after] as const),
    ),
  ],
}));

defineRule(maskedFill, (context, x, mask, value) => {
  const saved = context.save(mask);
  return { output: maskedFill(x, mask, value), inputs: [x], backward: (grad) => [maskedFill(grad, saved, 0)] };
});

defineRule(tril, (_, x, diagonal) => ({ output: tril(x, diagonal), backward: (grad) => [tril(grad, diagonal)] }));
defineRule(triu, (_, x, diagonal) => ({ output: triu(x, diagonal), backward: (grad) => [triu(grad, diagonal)] }));
