/** Matrix products: batched with broadcast batch axes and transposes, and Einstein sums. */
import { type Ref, accumulate, broadcastIndex, broadcastShapes, flatten, forEachIndex, get, zeros } from './array.ts';

export type MatmulOptions = { transposeA?: boolean; transposeB?: boolean };

/**
 * a [..., M, K] times b [..., K, N] gives [..., M, N]; leading axes broadcast. A transposed operand is stored with its last two
 * axes swapped.
 */
export function matmul(a: Ref, b: Ref, options: MatmulOptions = {}): Ref {
  const { transposeA = false, transposeB = false } = options;
  if (a.shape.length < 2 || b.shape.length < 2) throw new Error(`matmul needs rank 2 or more, got [${a.shape}] and [${b.shape}]`);
  const [rowsA, columnsA] = a.shape.slice(-2) as [number, number];
  const [rowsB, columnsB] = b.shape.slice(-2) as [number, number];
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [inner, n] = transposeB ? [columnsB, rowsB] : [rowsB, columnsB];
  if (k !== inner) throw new Error(`inner extents differ: ${k} and ${inner}`);
  const batchA = a.shape.slice(0, -2);
  const batchB = b.shape.slice(0, -2);
  const batch = broadcastShapes(batchA, batchB);
  const out = zeros([...batch, m, n]);
  forEachIndex(batch, (index, flat) => {
    const startA = flatten(broadcastIndex(index, batchA), batchA) * m * k;
    const startB = flatten(broadcastIndex(index, batchB), batchB) * k * n;
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0; p < k; p++) {
          const fromA = a.data[startA + (transposeA ? p * m + i : i * k + p)]!;
          const fromB = b.data[startB + (transposeB ? j * k + p : p * n + j)]!;
          sum += fromA * fromB;
        }
        out.data[flat * m * n + i * n + j] = sum;
      }
    }
  });
  return out;
}

/** Labels of the axes under `...`: digits counted from the right, so that they align as in broadcasting. */
const hidden = (count: number): string => '0123456789'.slice(10 - count);

/**
 * Einstein sum, for example `bthd,bshd->bhts`. A label repeated within an operand takes the diagonal; extents of 1 broadcast; `...` stands for leading
 * axes; without `->` the labels that occur once, sorted, are the result.
 */
export function einsum(equation: string, ...operands: readonly Ref[]): Ref {
  const [inputs, output] = equation.replaceAll(' ', '').split('->') as [string, string | undefined];
  const terms = inputs.split(',');
  if (terms.length !== operands.length) throw new Error(`${equation} does not name ${operands.length} operands`);
  const hiddenOf = terms.map((term, at) => (term.includes('...') ? operands[at]!.shape.length - term.length + 3 : 0));
  const most = Math.max(...hiddenOf);
  const implicit = (): string => {
    const labels = [...terms.join('').replaceAll('.', '')];
    const once = labels.filter((label) => labels.indexOf(label) === labels.lastIndexOf(label));
    return hidden(most) + once.sort().join('');
  };
  const labelsOf = terms.map((term, at) => [...term.replace('...', hidden(hiddenOf[at]!))]);
  const labelsOut = [...(output?.replace('...', hidden(most)) ?? implicit())];

  const extents = new Map<string, number>();
  operands.forEach(({ shape }, at) => {
    const labels = labelsOf[at]!;
    if (labels.length !== shape.length) throw new Error(`${labels.join('')} does not name the axes of [${shape}]`);
    labels.forEach((label, axis) => {
      extents.set(label, broadcastShapes([extents.get(label) ?? 1], [shape[axis]!])[0]!);
    });
  });
  const labels = [...extents.keys()];
  const pick = (index: readonly number[], wanted: readonly string[]): number[] =>
    wanted.map((label) => index[labels.indexOf(label)]!);
  const out = zeros(
    labelsOut.map((label) => {
      const extent = extents.get(label);
      if (extent === undefined) throw new Error(`label ${label} of the result is in no operand`);
      return extent;
    }),
  );
  forEachIndex([...extents.values()], (index) => {
    const factors = operands.map((x, at) => get(x, broadcastIndex(pick(index, labelsOf[at]!), x.shape)));
    accumulate(
      out,
      pick(index, labelsOut),
      factors.reduce((product, factor) => product * factor, 1),
    );
  });
  return out;
}
