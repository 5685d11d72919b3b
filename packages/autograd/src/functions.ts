/**
 * The entry for small bundles, used beside `@mudpt/tensor/functions`: tapes, modules and optimizers, and the ops whose gradients need rules of their own.
 * Import an op that both entries have from here: it brings its rules along, and without them its gradient is an error. Derivatives of gradients
 * need `useRules(...allRules)`, which carries every rule there is.
 */
export * from './ops.ts';
export * from './api.ts';
export { type OpRule, useRules } from './rule.ts';
export { allRules } from './rules/index.ts';
