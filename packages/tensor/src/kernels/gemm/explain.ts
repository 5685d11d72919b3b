/** Descriptions of gemm plans, for people and tests. */
import { planOf, type Plan } from './gemm.ts';
import { normalize } from './problem/normal-form.ts';
import type { Epilogue, Product } from './problem/problem.ts';

/** How a product would be computed on its device: class, variant, tiles, loads, splits, epilogue. Records nothing. */
export function explainProduct(product: Product): string {
  return explainPlan(planOf(normalize(product)));
}

const LOADS = { k: 'vec4 along k', m: 'vec4 along m', n: 'vec4 along n', v: 'vec4 along k or n', s: 'scalars' } as const;

/** A plan in five lines; sizes are those of the normal form. */
export function explainPlan({ product, key, variant, splits, sums, reduce }: Plan): string {
  const { batch, m, n, k, a, b, c, epilogue } = product;
  const { tiling, access, grid } = sums;
  const batches = batch.length === 0 ? '' : `[${batch.join(', ')}] x `;
  const parts = splits === 1 ? 'in one' : `in ${splits} parts of ${String(sums.params['k_chunk'])}`;
  return [
    `product   ${batches}${m} x ${n}, k = ${k}, ${a.tensor.dtype} x ${b.tensor.dtype} -> ${c.tensor.dtype}, class ${key}`,
    `variant   ${variant.name}: tiles of ${tiling.rows} x ${tiling.columns}, ${grid.join(' x ')} workgroups`,
    `reads     a ${LOADS[access.VA]}, b ${LOADS[access.VB]}${access.TAIL ? ', guarded at the end of k' : ''}`,
    `sums      k ${parts}, ${reduce ? 'partial sums' : 'the result'} as ${access.VC ? 'vec4' : 'scalars'}`,
    `epilogue  ${describeEpilogue(epilogue)}${reduce ? `, in gemm.reduce: ${reduce.grid.join(' x ')} workgroups` : ''}`,
  ].join('\n');
}

function describeEpilogue({ alpha = 1, bias, activation = 'none', save, grad, residual }: Epilogue): string {
  const steps = [
    alpha !== 1 && `times ${alpha}`,
    bias && `bias along ${bias.row === 0 ? 'columns' : 'rows'}`,
    save && 'saved',
    activation !== 'none' && (grad ? `times the derivative of ${activation}` : activation),
    residual && 'residual',
  ].filter((step) => typeof step === 'string');
  return steps.length === 0 ? 'none' : steps.join(', ');
}
