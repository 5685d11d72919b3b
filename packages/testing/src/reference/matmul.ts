/** Matrix products: batched with broadcast batch axes and transposes, and einsum of two operands. */
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
 * Einstein sum of two operands, for example `bthd,bshd->bhts`. A label repeated within an operand takes the diagonal; extents of
 * 1 broadcast; `...` stands for leading axes; without `->` the labels that occur once, sorted, are the result.
 */
export function einsum(equation: string, a: Ref, b: Ref): Ref {
  const [inputs, output] = equation.replaceAll(' ', '').split('->') as [string, string | undefined];
  const [termA, termB] = inputs.split(',') as [string, string | undefined];
  if (termB === undefined) throw new Error(`einsum of two operands needs one comma: ${equation}`);
  const hiddenA = termA.includes('...') ? a.shape.length - termA.length + 3 : 0;
  const hiddenB = termB.includes('...') ? b.shape.length - termB.length + 3 : 0;
  const implicit = (): string => {
    const labels = [...`${termA}${termB}`.replaceAll('.', '')];
    const once = labels.filter((label) => labels.indexOf(label) === labels.lastIndexOf(label));
    return hidden(Math.max(hiddenA, hiddenB)) + once.sort().join('');
  };
  const labelsA = [...termA.replace('...', hidden(hiddenA))];
  const labelsB = [...termB.replace('...', hidden(hiddenB))];
  const labelsOut = [...(output?.replace('...', hidden(Math.max(hiddenA, hiddenB))) ?? implicit())];

  const extents = new Map<string, number>();
  for (const [labels, shape] of [
    [labelsA, a.shape],
    [labelsB, b.shape],
  ] as const) {
    if (labels.length !== shape.length) throw new Error(`${labels.join('')} does not name the axes of [${shape}]`);
    labels.forEach((label, axis) => {
      extents.set(label, broadcastShapes([extents.get(label) ?? 1], [shape[axis]!])[0]!);
    });
  }
  const labels = [...extents.keys()];
  const pick = (index: readonly number[], wanted: readonly string[]): number[] =>
    wanted.map((label) => index[labels.indexOf(label)]!);
  const out = zeros(
    labelsOut.map((label) => {
      const extent = extents.get(label);
      if (extent === undefined) throw new Error(`label ${label} of the result is in neither operand`);
      return extent;
    }),
  );
  forEachIndex([...extents.values()], (index) => {
    const product = get(a, broadcastIndex(pick(index, labelsA), a.shape)) * get(b, broadcastIndex(pick(index, labelsB), b.shape));
    accumulate(out, pick(index, labelsOut), product);
  });
  return out;
}
