/**
 * The entry for small bundles: the engine's functions with their gradients, tapes, modules and optimizers, of which a bundler keeps those that are used.
 * Ops are to be imported from here, where they bring the rules they need: that of an op imported from `@mudpt/tensor/functions` may be missing, which is
 * an error. Derivatives of gradients need `useRules(...allRules)`, which carries every rule there is.
 */
export * from './ops.ts';
export * from './api.ts';
export type { BlockOptions } from './api.ts';
export { type OpRule, useRules } from './rule.ts';
export { allRules } from './rules/index.ts';
