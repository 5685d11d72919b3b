/** Text of the results: the errors of every tensor, a verdict for every file, and the count. */
import { type Comparison, scientific } from './compare.ts';

export interface CaseResult {
  readonly name: string;
  readonly tensors: readonly Comparison[];
}

export interface FileResult {
  readonly path: string;
  readonly cases: readonly CaseResult[];
  /** Set when the file as a whole could not be run. */
  readonly problem?: string;
}

export function hasPassed({ cases, problem }: FileResult): boolean {
  return (
    problem === undefined &&
    cases.length > 0 &&
    cases.every(({ tensors }) => tensors.length > 0 && tensors.every(({ passed }) => passed))
  );
}

/** One line a case, one more for each tensor that failed or passed by the second rule, and the verdict. */
export function describeFile(result: FileResult): string[] {
  const lines = result.cases.flatMap(describeCase);
  const verdict = hasPassed(result) ? 'PASS' : 'FAIL';
  return [...lines, `${verdict} ${result.path}${summary(result)}`];
}

function describeCase({ name, tensors }: CaseResult): string[] {
  const errors = tensors.map(
    ({ tensor, error, passed }) => `${tensor} ${error === undefined ? '-' : scientific(error)}${passed ? '' : ' FAILED'}`,
  );
  const notes = tensors.filter(({ note }) => note !== undefined).map(({ tensor, note }) => `      ${tensor}: ${note}`);
  return [`  ${name}: ${errors.join(', ')}`, ...notes];
}

function summary({ cases, problem }: FileResult): string {
  if (problem !== undefined) return `: ${problem}`;
  const tensors = cases.flatMap((one) => one.tensors);
  const failed = tensors.filter(({ passed }) => !passed);
  const worst = Math.max(0, ...tensors.map(({ error }) => error ?? 0));
  const failures = failed.length > 0 ? `, ${failed.length} failed` : '';
  return `: ${cases.length} cases, ${tensors.length} tensors${failures}, largest relative error ${scientific(worst)}`;
}

/** The last line of the output, counting files. */
export function countLine(results: readonly FileResult[]): string {
  const passed = results.filter(hasPassed).length;
  return `${passed} passed, ${results.length - passed} failed`;
}
