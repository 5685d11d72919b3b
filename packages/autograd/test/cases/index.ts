/** All cases by family of ops. */
import type { RuleCase } from '../rule-check.ts';
import { composedCases } from './composed.ts';
import { imageCases } from './image.ts';
import { linalgCases } from './linalg.ts';
import { pointwiseCases } from './pointwise.ts';
import { productCases } from './product.ts';
import { reductionCases } from './reduction.ts';
import { rowCases } from './row.ts';
import { shapeCases } from './shape.ts';

/** Cases of structured ops. */
export const structured: Readonly<Record<string, readonly RuleCase[]>> = {
  'views, indices and order': shapeCases,
  reductions: reductionCases,
  products: productCases,
  images: imageCases,
  rows: rowCases,
  'made of other ops': composedCases,
  matrices: linalgCases,
};

export const groups: Readonly<Record<string, readonly RuleCase[]>> = { pointwise: pointwiseCases, ...structured };
