/** The gradient rule of Fourier transforms: of y = F x it is the transform with the other sign, for both parts at once. */
import { zerosLike } from '@mudpt/tensor/functions';
import { fourier } from '@mudpt/tensor/internal';
import { ruleFor } from '../rule.ts';

export const fourierRule = ruleFor(fourier, (_, op, re, im, axis, sign, scale) => {
  const output = fourier(op, re, im, axis, sign, scale);
  return {
    output,
    inputs: im ? [re, im] : [re],
    backward: (dRe, dIm) => {
      const given = dRe ?? dIm;
      if (!given) return [];
      const { re: left, im: right } = fourier(op, dRe ?? zerosLike(given), dIm, axis, sign === 1 ? -1 : 1, scale);
      return im ? [left, right] : [left];
    },
  };
});
