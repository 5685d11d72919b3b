/** Gradients, modules and optimizers on the tensor engine. */
import { useRules } from './rule.ts';
import { allRules } from './rules/index.ts';

useRules(...allRules);

export { capture } from '@mudpt/tensor';
export * from './api.ts';
