/** Memory access of gemm kernels to a, b and c, by their strides. */
import type { Matrices, Problem } from './problem.ts';

/** The defines of gemm/operands.wgsl and gemm/epilogue.wgsl; the letters are explained there. */
export type Access = {
  readonly VA: 'k' | 'm' | 's';
  readonly VB: 'k' | 'n' | 'v' | 's';
  readonly TAIL: 0 | 1;
  readonly VC: 0 | 1;
};

/** The widest loads and stores that strides and offsets allow. */
export function exactAccess(p: Problem): Access {
  const { a, b, m, n, k } = p;
  const VA = alongK(a, m, k) ? 'k' : alongRows(a, m, k) ? 'm' : 's';
  const columns = { ...b, row: b.col, col: b.row };
  const VB = alongK(columns, n, k) ? 'k' : alongRows(columns, n, k) ? 'n' : 's';
  return { VA, VB, TAIL: k % 4 === 0 ? 0 : 1, VC: storesVectors(p) ? 1 : 0 };
}

const aligned = (...values: readonly number[]): boolean => values.every((value) => value % 4 === 0);

/** Whether four neighbours along k of an operand of `count` rows are one vector. */
const alongK = (x: Matrices, count: number, k: number): boolean =>
  aligned(x.offset, ...x.batch) && (x.col === 1 || k === 1) && (count === 1 || aligned(x.row));

/** Whether four neighbouring rows at one k are one vector. */
const alongRows = (x: Matrices, count: number, k: number): boolean =>
  aligned(x.offset, ...x.batch) && (x.row === 1 || count === 1) && (k === 1 || aligned(x.col));

/** Whether c, and tensors addressed like it, are written as vec4. */
function storesVectors({ c, n, m, epilogue }: Problem): boolean {
  const extra = [epilogue.save, epilogue.grad, epilogue.residual].flatMap((t) => (t ? [t.offset] : []));
  return c.col === 1 && aligned(n, c.offset, ...extra, ...c.batch) && (m === 1 || aligned(c.row));
}
