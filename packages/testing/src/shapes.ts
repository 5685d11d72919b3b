/**
 * Edge shapes, broadcast pairs and strided views that every op test should go through.
 *
 * Extents worth testing: 0, 1, primes, and one below and above the sizes kernels tile by (4, 8, 16, 64, 256).
 */
import { type Range, type Ref, expand, permute, slice } from './reference/array.ts';

/** Shapes of any rank, for ops without demands on it. All are small: at most a few thousand elements. */
export const edgeShapes: readonly (readonly number[])[] = [
  [],
  [0],
  [1],
  [3],
  [4],
  [17],
  [63],
  [65],
  [257],
  [1031],
  [0, 5],
  [5, 0],
  [1, 1],
  [1, 13],
  [13, 1],
  [5, 7],
  [8, 64],
  [9, 67],
  [2, 0, 3],
  [2, 3, 5],
  [3, 1, 129],
  [4, 5, 6],
  [2, 3, 4, 5],
  [1, 2, 1, 3],
  [7, 1, 11, 2],
  [2, 1, 3, 2, 5],
];

/** Shapes of rank 1 and more without empty axes, for ops that reduce (max, argmax, softmax). */
export const reducibleShapes: readonly (readonly number[])[] = edgeShapes.filter(
  (shape) => shape.length > 0 && !shape.includes(0),
);

/** Row lengths across every tile edge, for row kernels (norms, softmax, cross entropy, sort, scan). */
export const rowLengths: readonly number[] = [
  1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 31, 33, 63, 64, 65, 127, 255, 256, 257, 511, 768, 1025,
];

/** Pairs of shapes that broadcast, with scalars, new axes, stretching on both sides and empty results. */
export const broadcastPairs: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[], []],
  [[5], []],
  [[], [5]],
  [[1], [7]],
  [
    [3, 4],
    [3, 4],
  ],
  [[3, 4], [4]],
  [
    [3, 4],
    [3, 1],
  ],
  [[4], [3, 4]],
  [
    [1, 5],
    [4, 1],
  ],
  [
    [17, 1],
    [1, 67],
  ],
  [
    [2, 3, 4],
    [3, 4],
  ],
  [
    [2, 3, 4],
    [1, 3, 1],
  ],
  [[2, 3, 5], [5]],
  [
    [2, 1, 3, 1],
    [1, 4, 1, 5],
  ],
  [
    [2, 3, 4, 5],
    [4, 1],
  ],
  [[0], [1]],
  [
    [3, 0],
    [1, 1],
  ],
  [
    [2, 1, 0],
    [5, 1],
  ],
];

/** Pairs of shapes that must be refused. */
export const clashingPairs: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[2], [3]],
  [
    [2, 3],
    [2, 4],
  ],
  [
    [2, 3],
    [3, 2],
  ],
  [[0], [2]],
];

/** [M, K, N] of matrix products: empty, vectors, primes, and both sides of the tile sizes. */
export const matmulSizes: readonly (readonly [number, number, number])[] = [
  [0, 3, 4],
  [3, 0, 4],
  [3, 4, 0],
  [1, 1, 1],
  [1, 17, 1],
  [1, 64, 33],
  [5, 7, 3],
  [8, 8, 8],
  [13, 1, 11],
  [16, 32, 32],
  [17, 31, 33],
  [64, 64, 64],
  [65, 63, 66],
  [3, 129, 257],
  [130, 12, 8],
];

/** Batch axes of the two operands of a matrix product. */
export const batchPairs: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[], []],
  [[2], [2]],
  [[3], []],
  [[], [3]],
  [
    [2, 1],
    [1, 3],
  ],
  [[2, 3], [3]],
  [[0], [1]],
];

/** One step of a recipe that makes a view; the names are those of the engine's view ops. */
export type ViewStep =
  | { op: 'permute'; order: readonly number[] }
  | { op: 'slice'; ranges: readonly (Range | null)[] }
  | { op: 'expand'; shape: readonly number[] };

/** Starts from a contiguous tensor of shape `base`, applies the steps, and has shape `shape`. */
export type ViewRecipe = { name: string; base: readonly number[]; steps: readonly ViewStep[]; shape: readonly number[] };

/** Views of several ranks: transposed, offset, stepped, reversed, expanded (stride 0) and combinations. */
export const viewRecipes: readonly ViewRecipe[] = [
  { name: 'offset row', base: [20], steps: [{ op: 'slice', ranges: [{ start: 3, stop: 16 }] }], shape: [13] },
  { name: 'every third', base: [20], steps: [{ op: 'slice', ranges: [{ start: 1, step: 3 }] }], shape: [7] },
  { name: 'reversed', base: [13], steps: [{ op: 'slice', ranges: [{ step: -1 }] }], shape: [13] },
  { name: 'repeated scalar', base: [1], steps: [{ op: 'expand', shape: [9] }], shape: [9] },
  { name: 'empty slice', base: [6, 5], steps: [{ op: 'slice', ranges: [{ start: 4, stop: 4 }] }], shape: [0, 5] },
  { name: 'transposed', base: [7, 5], steps: [{ op: 'permute', order: [1, 0] }], shape: [5, 7] },
  {
    name: 'columns of a wider matrix',
    base: [6, 19],
    steps: [{ op: 'slice', ranges: [null, { start: 5, stop: 16 }] }],
    shape: [6, 11],
  },
  {
    name: 'every other row and column',
    base: [9, 14],
    steps: [{ op: 'slice', ranges: [{ step: 2 }, { start: 1, step: 2 }] }],
    shape: [5, 7],
  },
  { name: 'one row repeated', base: [1, 12], steps: [{ op: 'expand', shape: [5, 12] }], shape: [5, 12] },
  { name: 'one column repeated', base: [5, 1], steps: [{ op: 'expand', shape: [5, 12] }], shape: [5, 12] },
  {
    name: 'the middle third of a fused projection',
    base: [2, 5, 24],
    steps: [{ op: 'slice', ranges: [null, null, { start: 8, stop: 16 }] }],
    shape: [2, 5, 8],
  },
  { name: 'heads before rows', base: [2, 7, 3, 4], steps: [{ op: 'permute', order: [0, 2, 1, 3] }], shape: [2, 3, 7, 4] },
  {
    name: 'stepped, transposed and expanded',
    base: [10, 1, 4],
    steps: [
      { op: 'slice', ranges: [{ start: 1, step: 3 }] },
      { op: 'permute', order: [1, 2, 0] },
      { op: 'expand', shape: [3, 4, 3] },
    ],
    shape: [3, 4, 3],
  },
];

/** Applies a recipe to an oracle array of shape `recipe.base`. */
export function applyView(x: Ref, recipe: ViewRecipe): Ref {
  return recipe.steps.reduce((view, step) => {
    if (step.op === 'permute') return permute(view, step.order);
    return step.op === 'slice' ? slice(view, step.ranges) : expand(view, step.shape);
  }, x);
}
