/** All operators by name, and which one a node means. */
import type { NodeProto } from '../format/proto.ts';
import type { Operator, Operators } from '../node/operator.ts';
import { activationOperators } from './activations.ts';
import { attentionOperators } from './attention.ts';
import { castOperators } from './cast.ts';
import { controlOperators } from './control.ts';
import { convolutionOperators } from './convolution.ts';
import { createOperators } from './create.ts';
import { detectionOperators } from './detection.ts';
import { indexingOperators } from './indexing.ts';
import { lossOperators } from './loss.ts';
import { matrixOperators } from './matrix.ts';
import { ngramOperators } from './ngrams.ts';
import { normOperators } from './norm.ts';
import { pointwiseOperators } from './pointwise.ts';
import { quantizeOperators } from './quantize.ts';
import { randomOperators } from './random.ts';
import { recurrentOperators } from './recurrent.ts';
import { reduceOperators } from './reduce.ts';
import { regionOperators } from './regions.ts';
import { resizeOperators } from './resize.ts';
import { samplingOperators } from './sampling.ts';
import { signalOperators } from './signal.ts';
import { sliceOperators } from './slices.ts';
import { stateOperators } from './state.ts';
import { transposedOperators } from './transposed.ts';
import { viewOperators } from './views.ts';

/** Versions of the standard operators that are read. */
export const OPSETS = [7, 28] as const;

export const operators: Operators = {
  ...activationOperators,
  ...attentionOperators,
  ...castOperators,
  ...controlOperators,
  ...convolutionOperators,
  ...createOperators,
  ...detectionOperators,
  ...indexingOperators,
  ...lossOperators,
  ...matrixOperators,
  ...ngramOperators,
  ...normOperators,
  ...pointwiseOperators,
  ...quantizeOperators,
  ...randomOperators,
  ...recurrentOperators,
  ...reduceOperators,
  ...regionOperators,
  ...resizeOperators,
  ...samplingOperators,
  ...signalOperators,
  ...sliceOperators,
  ...stateOperators,
  ...transposedOperators,
  ...viewOperators,
};

/** The operator of a node, or what of it is not supported. */
export function findOperator(node: NodeProto, opset: number): Operator | string {
  const called = `${node.domain === '' ? '' : `${node.domain}.`}${node.op} (opset ${opset})`;
  const operator = node.domain === '' && Object.hasOwn(operators, node.op) ? operators[node.op] : undefined;
  if (!operator) return called;
  const [least, most] = OPSETS;
  if (opset < Math.max(least, operator.since ?? least) || opset > most)
    return `${called}, read from opset ${Math.max(least, operator.since ?? least)} to ${most}`;
  const refused = operator.refuses?.(node, opset);
  return refused === undefined ? operator : `${called} ${refused}`;
}
