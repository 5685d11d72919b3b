/**
 * Einstein sums of two operands as one matrix product: labels become batch, row, column and summed dimensions of strided views. Of one operand, and of
 * many, two at a time, they are made of other ops (einsum-composed.ts).
 */
import { promote } from '../../dtype.ts';
import { LimitError, ShapeError } from '../../errors.ts';
import { defineOp } from '../../definition/op.ts';
import { collapse, MAX_RANK, showShape } from '../../shape.ts';
import { empty, view } from '../../definition/views.ts';
import type { Tensor } from '../../tensor.ts';
import { contiguousCopy } from '../views/copy.ts';
import { ones } from '../create/create.ts';
import { type Equation, parseEquation } from '../../kernels/einsum/equation.ts';
import { gemm } from '../../kernels/gemm/gemm.ts';
import type { Operand } from '../../kernels/gemm/problem/problem.ts';
import { einsumOfMany, einsumOfOne } from './einsum-composed.ts';
import { expectFloats } from './matmul.ts';
import { entryOf, nth } from '../../values.ts';

/** A tensor by its labels: the stride of each. */
type Labelled = { readonly tensor: Tensor; readonly offset: number; readonly strides: ReadonlyMap<string, number> };
type Extents = ReadonlyMap<string, number>;

/**
 * Einstein sum, for instance `einsum('bqhd,bkhd->bhqk', q, k)`. A label absent from the result is summed; one repeated in an operand takes its
 * diagonal; sizes of 1 broadcast; `...` stands for leading axes; without `->` the labels that occur once, sorted, are the result. Operands are read in
 * place wherever their strides allow. f16 is summed in f32; the result is contiguous, and f16 only if all operands are. Three operands and more are
 * contracted two at a time: up to five in the order of fewest multiplications.
 * @throws ShapeError for an equation that does not fit the operands; DTypeError for integers
 * @example
 * const a = tensor([[1, 2], [3, 4]]);
 * console.log(await einsum('ij,kj->ik', a, a).array()); // [[5,11],[11,25]]
 */
export const einsum = defineOp('einsum', (equation: string, ...operands: readonly Tensor[]): Tensor => {
  const [first, ...others] = operands;
  if (!first) throw new ShapeError('einsum', 'no operands are given', "write it like einsum('ij,jk->ik', a, b)");
  expectFloats('einsum', first, ...others);
  const [second, ...more] = others;
  const parsed = parseEquation(
    equation,
    operands.map(({ rank }) => rank),
  );
  const extents = extentsOf(equation, parsed, operands);
  if (parsed.out.length > MAX_RANK)
    throw new LimitError('einsum', `"${equation}" has a result of ${parsed.out.length} axes`, `use at most ${MAX_RANK}`);
  if (!second) return einsumOfOne(parsed, first, einsum);
  return more.length > 0 ? einsumOfMany(parsed, operands, extents, einsum) : einsumOfPair(parsed, first, second, extents);
});

function einsumOfPair({ operands: [ofA = [], ofB = []], out: names }: Equation, a: Tensor, b: Tensor, extents: Extents): Tensor {
  const shape = names.map((label) => entryOf(extents, label));
  const out = empty(a.device, shape, promote(a.dtype, b.dtype));
  using left = withoutSolo(label(a, ofA, extents), ofB, names, extents);
  using right = withoutSolo(label(b, ofB, extents), ofA, names, extents);
  const target: Labelled = {
    tensor: out,
    offset: 0,
    strides: new Map(names.map((name, axis) => [name, nth(out.strides, axis)])),
  };
  contract(left.operand, right.operand, target, extents);
  return out;
}

function extentsOf(equation: string, { operands }: Equation, tensors: readonly Tensor[]): Extents {
  const extents = new Map<string, number>();
  const note = (labels: readonly string[], t: Tensor): void =>
    labels.forEach((name, axis) => {
      const size = nth(t.shape, axis);
      const known = extents.get(name) ?? 1;
      if (known !== 1 && size !== 1 && known !== size) {
        throw new ShapeError(
          'einsum',
          `label "${name}" of "${equation}" is ${known} long and ${size} long in operands ${tensors.map(({ shape }) => showShape(shape)).join(' and ')}`,
          'give every label one size, or 1 where it repeats',
        );
      }
      extents.set(name, known === 1 ? size : known);
    });
  operands.forEach((labels, at) => note(labels, nth(tensors, at)));
  return extents;
}

/** Strides by label: axes with the same label advance together (a diagonal), and repeated axes of size 1 have stride 0. */
function label(t: Tensor, labels: readonly string[], extents: Extents): Labelled {
  const strides = new Map<string, number>();
  labels.forEach((name, axis) => {
    const stride = t.shape[axis] === 1 && extents.get(name) !== 1 ? 0 : nth(t.strides, axis);
    strides.set(name, (strides.get(name) ?? 0) + stride);
  });
  return { tensor: t, offset: t.offset, strides };
}

/** An operand whose labels that occur nowhere else are summed out: a product with a column of ones, one label at a time. */
function withoutSolo(
  x: Labelled,
  other: readonly string[],
  out: readonly string[],
  extents: Extents,
): Disposable & { readonly operand: Labelled } {
  const solo = [...x.strides.keys()].filter((name) => !other.includes(name) && !out.includes(name));
  let operand = x;
  for (const name of solo) {
    using one = ones([1], { device: x.tensor.device });
    const rest = [...operand.strides.keys()].filter((kept) => kept !== name);
    const sum = empty(
      x.tensor.device,
      rest.map((kept) => entryOf(extents, kept)),
    );
    const target: Labelled = {
      tensor: sum,
      offset: 0,
      strides: new Map(rest.map((kept, axis) => [kept, nth(sum.strides, axis)])),
    };
    contract(operand, { tensor: one, offset: 0, strides: new Map([[name, 0]]) }, target, extents);
    if (operand !== x) operand.tensor.dispose();
    operand = target;
  }
  return {
    operand,
    [Symbol.dispose]: () => {
      if (operand !== x) operand.tensor.dispose();
    },
  };
}

/** Records target = sum over the labels that `target` lacks; every label of an operand is in the other or in the target. */
function contract(a: Labelled, b: Labelled, target: Labelled, extents: Extents): void {
  const summed = [...a.strides.keys()].filter((name) => b.strides.has(name) && !target.strides.has(name));
  const order = summed.toSorted((x, y) => strideOf(a, y) - strideOf(a, x));
  const [k = { size: 1, strides: [0, 0] }, ...others] = mergeLabels(order, [a, b], extents);
  if (others.length > 0) {
    // The summed labels do not merge into one dimension: copy both operands to a layout in which they do.
    using left = withLast(a, order, extents);
    using right = withLast(b, order, extents);
    contract(labelled(left, a, order), labelled(right, b, order), target, extents);
    return;
  }
  const { batch, m, n } = keptDimensions(a, b, target, extents);
  const operand = (x: Labelled, row: number | undefined, col: number | undefined, at: 0 | 1 | 2): Operand => ({
    tensor: x.tensor,
    offset: x.offset,
    row: row ?? 0,
    col: col ?? 0,
    batch: batch.map(({ strides }) => nth(strides, at)),
  });
  gemm({
    batch: batch.map(({ size }) => size),
    m: m.size,
    n: n.size,
    k: k.size,
    a: operand(a, m.strides[0], k.strides[0], 0),
    b: operand(b, k.strides[1], n.strides[0], 1),
    c: operand(target, m.strides[1], n.strides[1], 2),
    epilogue: {},
  });
}

/**
 * The labels of the target as one dimension of rows, which only a has, one of columns, which only b has, and batch dimensions with strides of a, b and the
 * target. Labels that do not merge into the rows or the columns become a batch dimension that the other operand repeats.
 */
function keptDimensions(
  a: Labelled,
  b: Labelled,
  target: Labelled,
  extents: Extents,
): { readonly batch: readonly Dimension[]; readonly m: Dimension; readonly n: Dimension } {
  const kept = [...target.strides.keys()];
  const only = (x: Labelled, other: Labelled): Dimension[] =>
    mergeLabels(
      kept.filter((name) => x.strides.has(name) && !other.strides.has(name)),
      [x, target],
      extents,
    );
  const [m, moreRows] = takeLargest(only(a, b));
  const [n, moreColumns] = takeLargest(only(b, a));
  const shared = kept.filter((name) => a.strides.has(name) && b.strides.has(name));
  const batch = [
    ...shared.map((name) => ({ size: entryOf(extents, name), strides: [a, b, target].map((x) => strideOf(x, name)) })),
    ...moreRows.map(({ size, strides: [x = 0, c = 0] }) => ({ size, strides: [x, 0, c] })),
    ...moreColumns.map(({ size, strides: [x = 0, c = 0] }) => ({ size, strides: [0, x, c] })),
  ];
  return { batch, m, n };
}

const strideOf = (x: Labelled, name: string): number => entryOf(x.strides, name);

type Dimension = { readonly size: number; readonly strides: readonly number[] };

/** The labels as few dimensions, with a stride for each operand. */
function mergeLabels(names: readonly string[], operands: readonly Labelled[], extents: Extents): Dimension[] {
  const sizes = names.map((name) => entryOf(extents, name));
  if (sizes.includes(0)) return [{ size: 0, strides: operands.map(() => 0) }];
  const { shape, strides } = collapse(
    sizes,
    operands.map((x) => names.map((name) => strideOf(x, name))),
  );
  return shape.map((size, axis) => ({ size, strides: strides.map((list) => nth(list, axis)) }));
}

function takeLargest(dimensions: readonly Dimension[]): [Dimension, Dimension[]] {
  const largest = dimensions.reduce(
    (best, next) => (next.size > best.size ? next : best),
    dimensions[0] ?? { size: 1, strides: [0, 0] },
  );
  return [largest, dimensions.filter((dimension) => dimension !== largest)];
}

/** A contiguous copy whose last axes are `last`, in that order. */
function withLast(x: Labelled, last: readonly string[], extents: Extents): Tensor {
  const names = orderedLast(x, last);
  using permuted = view(x.tensor, {
    shape: names.map((name) => entryOf(extents, name)),
    strides: names.map((name) => strideOf(x, name)),
    offset: x.offset,
  });
  return contiguousCopy(permuted);
}

function labelled(copy: Tensor, x: Labelled, last: readonly string[]): Labelled {
  return { tensor: copy, offset: 0, strides: new Map(orderedLast(x, last).map((name, axis) => [name, nth(copy.strides, axis)])) };
}

function orderedLast(x: Labelled, last: readonly string[]): string[] {
  return [...[...x.strides.keys()].filter((name) => !last.includes(name)), ...last];
}
