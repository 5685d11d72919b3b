/** Gradients, modules and optimizers on the tensor engine. */
/* oxlint-disable import/no-unassigned-import -- a rule registers itself with its op */
import './rules/index.ts';

export { capture } from '@mudpt/tensor';
export { checkpoint } from './checkpoint.ts';
export { chunked } from './chunked.ts';
export { type CustomOp, customOp } from './custom.ts';
export { gradcheck, type GradcheckOptions, type Values } from './gradcheck.ts';
export { Gradients } from './gradients.ts';
export { detach, isTrainable, nameOf, noGrad, parameter, requiresGrad } from './parameter.ts';
export { nextStream, withSeed } from './random.ts';
export { defineRule, type InputGradients, type Rule, type RuleContext, type RuleResult, withoutGradient } from './rule.ts';
export { currentTape, Tape } from './tape.ts';
export { type Loss, lossAndGradients } from './loss-and-gradients.ts';
export * from './nn/index.ts';
export * from './optim/index.ts';
