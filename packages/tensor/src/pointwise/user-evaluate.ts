/** Evaluation of expressions that may call any function there is a file of. */
import type { Device } from '../device.ts';
import { evaluate as evaluateWith, type Evaluation as EngineEvaluation } from './evaluate.ts';
import { angleFunctions, integerFunctions, mathFunctions, normalFunctions, powerFunctions, specialFunctions } from './library.ts';

export type { OperandName } from './evaluate.ts';

/** One dispatch of the pointwise kernel: an expression of WGSL over operands of any views, which are broadcast to the result. */
export type Evaluation = Omit<EngineEvaluation, 'library'>;

const LIBRARY = [mathFunctions, normalFunctions, angleFunctions, powerFunctions, specialFunctions, integerFunctions];

/** Records the evaluation. Operands must broadcast to the shape of the result. */
export function evaluate(device: Device, evaluation: Evaluation): void {
  evaluateWith(device, { ...evaluation, library: LIBRARY });
}
