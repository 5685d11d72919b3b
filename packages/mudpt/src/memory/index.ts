export { budgetOf, bytesOfSize } from './budget.ts';
export { type Budget, heldBytes, type StepChoice, type StepPlan } from './choice.ts';
