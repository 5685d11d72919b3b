/** Decompositions of single matrices by textbook methods in f64. */
import { build, get, type Ref, ref } from './array.ts';
import { matmul } from './matmul.ts';

const at = (x: Ref, i: number, j: number): number => get(x, [i, j]);
const sizes = (x: Ref): [number, number] => x.shape as [number, number];
const identity = (n: number): Ref => build([n, n], ([i, j]) => Number(i === j));

export function cholesky(a: Ref): Ref {
  const [n] = sizes(a);
  const y = ref(
    a.shape,
    a.data.map(() => 0),
  );
  for (let i = 0; i < n; i += 1)
    for (let j = 0; j <= i; j += 1) {
      let rest = (at(a, i, j) + at(a, j, i)) / 2;
      for (let k = 0; k < j; k += 1) rest -= at(y, i, k) * at(y, j, k);
      y.data[i * n + j] = i === j ? Math.sqrt(rest) : rest / at(y, j, j);
    }
  return y;
}

/** Elimination of [a b] to [1 x], with the largest pivot; the determinant on the way. */
function eliminate(a: Ref, b: Ref): { x: Ref; det: number } {
  const [n, m] = sizes(b);
  const rows = Array.from({ length: n }, (_, i) => [
    ...Array.from({ length: n }, (_v, j) => at(a, i, j)),
    ...Array.from({ length: m }, (_v, j) => at(b, i, j)),
  ]);
  let det = 1;
  for (let k = 0; k < n; k += 1) {
    let pivot = k;
    for (let i = k; i < n; i += 1) if (Math.abs(rows[i]![k]!) > Math.abs(rows[pivot]![k]!)) pivot = i;
    if (pivot !== k) [rows[k], rows[pivot], det] = [rows[pivot]!, rows[k]!, -det];
    const head = rows[k]![k]!;
    det *= head;
    rows[k] = rows[k]!.map((value) => value / head);
    for (let i = 0; i < n; i += 1) {
      const factor = rows[i]![k]!;
      if (i !== k) rows[i] = rows[i]!.map((value, j) => value - factor * rows[k]![j]!);
    }
  }
  return { x: build([n, m], ([i = 0, j = 0]) => rows[i]![n + j]!), det };
}

export const solve = (a: Ref, b: Ref): Ref => eliminate(a, b).x;
export const inverse = (a: Ref): Ref => solve(a, identity(a.shape[0]!));
export const det = (a: Ref): number => eliminate(a, identity(a.shape[0]!)).det;

/** Factors of the rows of a in a given order, without further exchanges: both in one matrix. */
export function lu(a: Ref, permutation: readonly number[]): Ref {
  const [n] = sizes(a);
  const y = build([n, n], ([i = 0, j = 0]) => at(a, permutation[i]!, j));
  for (let k = 0; k < n; k += 1)
    for (let i = k + 1; i < n; i += 1) {
      y.data[i * n + k]! /= at(y, k, k);
      for (let j = k + 1; j < n; j += 1) y.data[i * n + j]! -= at(y, i, k) * at(y, k, j);
    }
  return y;
}

/** Gram and Schmidt: q of orthonormal columns, r with a positive diagonal. */
export function qr(a: Ref): { q: Ref; r: Ref } {
  const [m, n] = sizes(a);
  const k = Math.min(m, n);
  const columns: number[][] = [];
  for (let j = 0; j < k; j += 1) {
    let v = Array.from({ length: m }, (_, i) => at(a, i, j));
    for (const q of columns) {
      const dot = q.reduce((sum, value, i) => sum + value * v[i]!, 0);
      v = v.map((value, i) => value - dot * q[i]!);
    }
    const length = Math.hypot(...v);
    columns.push(v.map((value) => value / length));
  }
  const q = build([m, k], ([i = 0, j = 0]) => columns[j]![i]!);
  return { q, r: matmul(q, a, { transposeA: true }) };
}

/** Eigenvalues, ascending, and eigenvectors in columns: the largest element off the diagonal is rotated away until none is left. */
export function eigh(a: Ref): { values: number[]; vectors: Ref } {
  const [n] = sizes(a);
  let w = build([n, n], ([i = 0, j = 0]) => (at(a, i, j) + at(a, j, i)) / 2);
  let v = identity(n);
  for (let step = 0; step < 100 * n * n; step += 1) {
    let [p, q] = [0, 1];
    for (let i = 0; i < n; i += 1)
      for (let j = i + 1; j < n; j += 1) if (Math.abs(at(w, i, j)) > Math.abs(at(w, p, q))) [p, q] = [i, j];
    if (n < 2 || Math.abs(at(w, p, q)) < 1e-17) break;
    const angle = 0.5 * Math.atan2(2 * at(w, p, q), at(w, q, q) - at(w, p, p));
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const turn = build([n, n], ([i = 0, j = 0]) =>
      i === j ? (i === p || i === q ? c : 1) : i === p && j === q ? s : i === q && j === p ? -s : 0,
    );
    w = matmul(matmul(turn, w, { transposeA: true }), turn);
    v = matmul(v, turn);
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => at(w, i, i) - at(w, j, j));
  return { values: order.map((i) => at(w, i, i)), vectors: build([n, n], ([i = 0, j = 0]) => at(v, i, order[j]!)) };
}

/** Singular values, descending, and vectors of a tall matrix of full rank, by the eigenvalues of a^T a. */
export function svd(a: Ref): { u: Ref; s: number[]; v: Ref } {
  const { values, vectors } = eigh(matmul(a, a, { transposeA: true }));
  const [m, n] = sizes(a);
  const s = values.map(Math.sqrt).reverse();
  const v = build([n, n], ([i = 0, j = 0]) => at(vectors, i, n - 1 - j));
  const product = matmul(a, v);
  return { u: build([m, n], ([i = 0, j = 0]) => at(product, i, j) / s[j]!), s, v };
}
