/** Views, joins, picking and putting by index, order, masks. */
import * as ops from '@mudpt/tensor';
import { scope, type Tensor } from '@mudpt/tensor';
import * as array from '@mudpt/testing/reference/array';
import * as indexing from '@mudpt/testing/reference/indexing';
import * as nn from '@mudpt/testing/reference/nn';
import * as reductions from '@mudpt/testing/reference/reduce';
import { constant, type RuleCase } from '../rule-check.ts';

const square = array.ref([2, 2], [0, 2, 1, 1]);
const list = array.ref([3], [2, 0, 2]);
/** Several at one place, and one from the end. */
const crowd = array.ref([2, 4], [0, 2, 0, 0, 1, -1, 2, 1]);
const crowdOf = (x: Tensor): Tensor => constant(x, crowd.data, crowd.shape);
const squareOf = (x: Tensor): Tensor => constant(x, square.data, square.shape);
const listOf = (x: Tensor): Tensor => constant(x, list.data, list.shape);

export const shapeCases: readonly RuleCase[] = [
  {
    name: 'reshape, permute',
    shapes: [[2, 3, 4]],
    run: (x) => scope(() => ops.reshape(ops.permute(x, [2, 0, 1]), [8, 3])),
    reference: (x) => array.reshape(array.permute(x, [2, 0, 1]), [8, 3]),
  },
  {
    name: 'contiguous of a view',
    shapes: [[3, 4]],
    run: (x) => scope(() => ops.contiguous(ops.transpose(x, 0, 1))),
    reference: (x) => array.transpose(x),
  },
  {
    name: 'expand',
    shapes: [[3, 1]],
    run: (x) => ops.expand(x, [2, 3, 4]),
    reference: (x) => array.expand(x, [2, 3, 4]),
  },
  ...(
    [
      ['squeeze of nothing', (x) => ops.squeeze(x)],
      ['squeeze of no axes', (x) => ops.squeeze(x, [])],
      ['roll by the size', (x) => ops.roll(x, 4, 1)],
      ['roll by 0', (x) => ops.roll(x, 0)],
      ['second handle', (x) => ops.alias(x)],
      ['contiguous copy', (x) => ops.contiguousCopy(x)],
    ] satisfies [string, (x: Tensor) => Tensor][]
  ).map(
    ([name, same]): RuleCase => ({
      name,
      shapes: [[3, 4]],
      run: (x) => scope(() => ops.mul(same(x), 3)),
      reference: (x) => array.map(x, (v) => 3 * v),
    }),
  ),
  {
    name: 'cast to f32 after a sum',
    shapes: [[3, 4]],
    run: (x) => scope(() => ops.mul(ops.cast(x, 'f32'), 3)),
    reference: (x) => array.map(x, (v) => 3 * v),
  },
  {
    name: 'slice with steps',
    shapes: [[5, 4]],
    run: (x) =>
      ops.slice(x, [
        { start: 4, step: -2 },
        { start: 1, stop: 3 },
      ]),
    reference: (x) =>
      array.slice(x, [
        { start: 4, step: -2 },
        { start: 1, stop: 3 },
      ]),
  },
  { name: 'flip', shapes: [[5, 4]], run: (x) => ops.flip(x, 0), reference: (x) => indexing.flip(x, [0]) },
  {
    name: 'split, narrow',
    shapes: [[5, 2]],
    run: (x) =>
      scope(() => {
        const [a, b] = ops.split(x, [3, 2]) as [Tensor, Tensor];
        return ops.mul(ops.narrow(a, 0, 0, 2), b);
      }),
    reference: (x) => array.build([2, 2], ([i = 0, j = 0]) => array.get(x, [i, j]) * array.get(x, [i + 3, j])),
  },
  {
    name: 'split of which one piece is used',
    shapes: [[2, 5]],
    run: (x) => scope(() => ops.mul(ops.split(x, 2, -1)[1] as Tensor, 3)),
    reference: (x) => array.build([2, 2], ([i = 0, j = 0]) => 3 * array.get(x, [i, j + 2])),
  },
  {
    name: 'unbind',
    shapes: [[2, 3, 4]],
    run: (x) =>
      scope(() => {
        const [a, , c] = ops.unbind(x, -2) as [Tensor, Tensor, Tensor];
        return ops.mul(a, c);
      }),
    reference: (x) => array.build([2, 4], ([i = 0, j = 0]) => array.get(x, [i, 0, j]) * array.get(x, [i, 2, j])),
  },
  { name: 'cumsum', shapes: [[3, 4]], run: (x) => ops.cumsum(x, 0), reference: (x) => reductions.cumsum(x, 0) },
  {
    name: 'sort',
    shapes: [[3, 5]],
    run: (x) => scope(() => ops.sort(x, { axis: 0, descending: true }).values),
    reference: (x) => reductions.sort(x, { axis: 0, descending: true }).values,
  },
  {
    name: 'topk',
    shapes: [[3, 5]],
    run: (x) => scope(() => ops.topk(x, 2).values),
    reference: (x) => reductions.topk(x, 2).values,
  },
  {
    name: 'gather',
    shapes: [[2, 3]],
    run: (x) => scope(() => ops.gather(x, 1, squareOf(x))),
    reference: (x) => indexing.gather(x, 1, square),
  },
  {
    name: 'indexSelect',
    shapes: [[3, 4]],
    run: (x) => scope(() => ops.indexSelect(x, 0, listOf(x))),
    reference: (x) => indexing.indexSelect(x, 0, list),
  },
  {
    name: 'embedding',
    shapes: [[3, 4]],
    run: (x) => scope(() => ops.embedding(x, squareOf(x))),
    reference: (x) => nn.embedding(x, square),
  },
  {
    name: 'gatherRows',
    shapes: [[3, 4, 2]],
    run: (x) => scope(() => ops.gatherRows(x, listOf(x))),
    reference: (x) => array.build([3, 2], ([n = 0, c = 0]) => array.get(x, [n, list.data[n]!, c])),
  },
  {
    name: 'scatterAdd',
    shapes: [
      [2, 3],
      [2, 2],
    ],
    run: (x, source) => scope(() => ops.scatterAdd(x, 1, squareOf(x), source)),
    reference: (x, source) => indexing.scatterAdd(x, 1, square, source),
  },
  ...(['set', 'add', 'mul', 'max', 'min'] as const).map(
    (reduction): RuleCase => ({
      name: `scatter, ${reduction}`,
      shapes: [
        [2, 3],
        [2, 4],
      ],
      run: (x, source) => scope(() => ops.scatter(x, 1, crowdOf(x), source, { reduction })),
      reference: (x, source) => indexing.scatter(x, 1, crowd, source, reduction),
    }),
  ),
  {
    name: 'gatherND',
    shapes: [[2, 3, 2]],
    run: (x) => scope(() => ops.gatherND(x, squareOf(x))),
    reference: (x) => indexing.gatherND(x, square),
  },
  {
    name: 'scatterND',
    shapes: [
      [2, 3, 2],
      [2, 2],
    ],
    run: (x, source) => scope(() => ops.scatterND(x, squareOf(x), source)),
    reference: (x, source) =>
      array.reshape(indexing.scatter(array.reshape(x, [6, 2]), 0, array.ref([2, 2], [2, 2, 4, 4]), source), [2, 3, 2]),
  },
  {
    name: 'indexAdd',
    shapes: [
      [3, 4],
      [3, 4],
    ],
    run: (x, source) => scope(() => ops.indexAdd(x, 0, listOf(x), source)),
    reference: (x, source) => indexing.indexAdd(x, 0, list, source),
  },
  {
    name: 'cat, one tensor twice',
    shapes: [
      [2, 3],
      [2, 1],
    ],
    run: (a, b) => ops.cat([a, b, a], -1),
    reference: (a, b) => indexing.cat([a, b, a], -1),
  },
  {
    name: 'stack',
    shapes: [
      [2, 3],
      [2, 3],
    ],
    run: (a, b) => ops.stack([a, b], 1),
    reference: (a, b) => indexing.stack([a, b], 1),
  },
  {
    name: 'pad',
    shapes: [[2, 3]],
    run: (x) =>
      ops.pad(
        x,
        [
          [1, 0],
          [2, 1],
        ],
        5,
      ),
    reference: (x) =>
      indexing.pad(
        x,
        [
          [1, 0],
          [2, 1],
        ],
        5,
      ),
  },
  { name: 'tril', shapes: [[4, 3]], run: (x) => ops.tril(x), reference: (x) => indexing.tril(x) },
  { name: 'triu', shapes: [[4, 3]], run: (x) => ops.triu(x, 1), reference: (x) => indexing.triu(x, 1) },
  {
    name: 'maskedFill',
    shapes: [[2, 2]],
    run: (x) => scope(() => ops.maskedFill(x, constant(x, [1, 0, 0, 1], [2, 2], 'bool'), 7)),
    reference: (x) => array.map(x, (v, i) => (i === 0 || i === 3 ? 7 : v)),
  },
];
