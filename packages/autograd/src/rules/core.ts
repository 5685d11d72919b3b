/** The rules that every tape has: pointwise ops, views without gaps, sums. What is composed of these needs no other. */
import { type OpRule, useRules } from '../rule.ts';
import { pointwiseRules } from './pointwise.ts';
import { meanRule, sumRule } from './reduce.ts';
import { aliasRule, castRule, contiguousCopyRule, contiguousRule, expandRule, permuteRule, reshapeRule } from './views.ts';

/** The rules that every tape has, except those of pointwise ops, which follow from their rows. */
export const coreRules: readonly OpRule[] = [
  ...[aliasRule, castRule, contiguousCopyRule, contiguousRule, expandRule, permuteRule, reshapeRule],
  ...[meanRule, sumRule],
];
let isUsed = false;

/** Registers the rules that every tape has. */
export function useCoreRules(): void {
  if (isUsed) return;
  isUsed = true;
  useRules(pointwiseRules, ...coreRules);
}
