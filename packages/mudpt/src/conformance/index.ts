/**
 * Conformance kits: checks that any method has to pass, ours or another package's, on any test runner; and any data set (datasets.ts).
 *
 *     for (const { name, run } of conformanceChecks(myMethod, { settings: { depth: 3 } })) it(name, () => run(device));
 */
import type { Device } from '@mudpt/tensor';
import type { MethodDefinition } from '../method/definition.ts';
import { evaluationOfPrompts, otherClassesOfFeatures, otherClassesOfPrompts } from './contexts.ts';
import { capturedEvaluation, repeatedFits, restored } from './features.ts';
import { declaredPrompts } from './prompts.ts';
import { capturedStep, checkpoints, initialValues, memoryPolicies, textPaths } from './steps.ts';
import { type ConformanceOptions, type Subject, withSubject } from './subject.ts';

export { datasetChecks, type DatasetConformanceCheck, type DatasetConformanceOptions } from './datasets.ts';
export { CONFORMANCE_CONFIG, type ConformanceOptions } from './subject.ts';

/** One check of a method. */
export interface ConformanceCheck {
  readonly name: string;
  /** Runs on a small CLIP of random weights, of which nothing is left afterwards. @throws MethodError saying what is wrong and how to mend it */
  run(device: Device): Promise<void>;
}

type Checks = Readonly<Record<string, (subject: Subject) => Promise<void>>>;

const OF_PROMPTS: Checks = {
  'initial values differ from each other, and follow from the seed': initialValues,
  'evaluation equals the forward pass, with texts computed once or every time': evaluationOfPrompts,
  'other classes and another template equal a method made for them': otherClassesOfPrompts,
  'a captured step has the bits of an eager one': capturedStep,
  'every memory policy gives the same loss and gradients': memoryPolicies,
  'every text path gives the same loss and gradients': textPaths,
  'a checkpoint continues to the bit': checkpoints,
  'what is learnt, and where it enters, is what the spec declares': declaredPrompts,
};

const OF_FEATURES: Checks = {
  'two fits to the same features are equal': repeatedFits,
  'what is learnt can be carried over': restored,
  'other classes and another template equal a method made for them': otherClassesOfFeatures,
  'a captured evaluation has the bits of an eager one': capturedEvaluation,
};

/** The checks that fit the method's kind: it learns prompts where it states training settings, else it is fitted to features. */
export function conformanceChecks(definition: MethodDefinition, options: ConformanceOptions = {}): readonly ConformanceCheck[] {
  return Object.entries(definition.training ? OF_PROMPTS : OF_FEATURES).map(([name, check]) => ({
    name,
    run: (device) => withSubject(device, definition, options, check),
  }));
}
