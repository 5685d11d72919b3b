/** What both entries give: tapes, transforms, modules, optimizers, training. */
export { checkpoint } from './transforms/checkpoint.ts';
export { chunked } from './transforms/chunked.ts';
export { type CustomOp, customOp } from './custom.ts';
export { gradcheck, type GradcheckOptions } from './transforms/gradcheck.ts';
export type { Values } from './transforms/values.ts';
export { Gradients } from './tape/gradients.ts';
export { buffer, detach, isTrainable, nameOf, noGrad, parameter, requiresGrad } from './parameter.ts';
export {
  type BeforePart,
  inParts,
  nextStream,
  type Random,
  randomFrom,
  type RandomStream,
  type RowsOf,
  withSeed,
} from './random.ts';
export {
  defineRule,
  type InputGradients,
  type Rule,
  type RuleContext,
  type RuleOptions,
  type RuleResult,
  withoutGradient,
} from './rule.ts';
export { currentTape, Tape, type TapeOptions } from './tape/tape.ts';
export type { Loss } from './transforms/loss.ts';
export { hessianVector, jvp, type VectorsOf } from './transforms/jvp.ts';
export { lossAndGradients } from './transforms/loss-and-gradients.ts';
export { type Argnums, grad, type GradientsOf, type GradOptions, valueAndGrad } from './transforms/value-and-grad.ts';
export { hessian, jacobian, type Pullback, vjp } from './transforms/vjp.ts';
export * from './nn/index.ts';
export * from './optim/index.ts';
export * from './training/index.ts';
