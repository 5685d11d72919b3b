/** Gradients of reading images at points: in the image the transpose, in the points the derivatives of the weights. Each rule is made of ops with rules. */
import { add, mul, select, type Tensor, unsqueeze } from '@mudpt/tensor/functions';
import { nth, samplePoints, samplePointsSlopes, type Sampling, spreadPoints } from '@mudpt/tensor/internal';
import { ruleFor } from '../rule.ts';

const sizeOf = ({ shape }: Tensor): readonly [number, number] => [nth(shape, 2), nth(shape, 3)];

export const samplePointsRule = ruleFor(samplePoints, (context, x, grid, how) => {
  const needs = { x: context.needs(x), grid: context.needs(grid) };
  const saved = { x: context.save(needs.grid ? x : undefined), grid: context.save(grid) };
  const size = sizeOf(x);
  return {
    output: samplePoints(x, grid, how),
    backward: (grad) => [
      needs.x ? spreadPoints(grad, saved.grid, how, size) : undefined,
      saved.x && samplePointsSlopes(grad, saved.x, saved.grid, how),
    ],
  };
});

export const spreadPointsRule = ruleFor(spreadPoints, (context, y, grid, how, size) => {
  const needs = { y: context.needs(y), grid: context.needs(grid) };
  const saved = { y: context.save(needs.grid ? y : undefined), grid: context.save(grid) };
  return {
    output: spreadPoints(y, grid, how, size),
    backward: (grad) => [
      needs.y ? samplePoints(grad, saved.grid, how) : undefined,
      saved.y && samplePointsSlopes(saved.y, grad, saved.grid, how),
    ],
  };
});

/** Differentiated once more, along each of the axes of a point. */
const further = ({ order: [across, down], ...how }: Sampling): readonly [Sampling, Sampling] => [
  { ...how, order: [across + 1, down] },
  { ...how, order: [across, down + 1] },
];

export const samplePointsSlopesRule = ruleFor(samplePointsSlopes, (context, y, x, grid, how) => {
  const needs = { y: context.needs(y), x: context.needs(x), grid: context.needs(grid) };
  const saved = { y: context.save(y), x: context.save(x), grid: context.save(grid) };
  const size = sizeOf(x);
  const axes = further(how);
  return {
    output: samplePointsSlopes(y, x, grid, how),
    backward: (grad) => {
      // The cotangent of each axis of the points, beside the channels.
      const along = axes.map((_, axis) => unsqueeze(select(grad, -1, axis), 1));
      const summed = (part: (cotangent: Tensor, of: Sampling) => Tensor): Tensor =>
        add(part(along[0] as Tensor, axes[0]), part(along[1] as Tensor, axes[1]));
      return [
        needs.y ? summed((cotangent, of) => mul(cotangent, samplePoints(saved.x, saved.grid, of))) : undefined,
        needs.x ? summed((cotangent, of) => spreadPoints(mul(saved.y, cotangent), saved.grid, of, size)) : undefined,
        needs.grid ? summed((cotangent, of) => samplePointsSlopes(mul(saved.y, cotangent), saved.x, saved.grid, of)) : undefined,
      ];
    },
  };
});
