/** A reporter of vitest that writes each test as it ends, so that a run which is stopped has told what it found. */
import { appendFileSync } from 'node:fs';

/** The part of vitest's test case that is read here. */
type TestCase = {
  readonly fullName: string;
  readonly module: { readonly relativeModuleId: string };
  result(): { readonly state: string; readonly errors?: readonly { readonly message: string }[] };
  meta(): object;
};

/** A line of the file. */
export type TestLine = {
  readonly file: string;
  readonly name: string;
  readonly state: string;
  readonly message?: string;
  /** Kind of the adapter that it ran on, if any. */
  readonly adapter?: string;
};

export default class ProofReporter {
  private readonly path: string;

  constructor() {
    const path = process.env['PROOF_TESTS'];
    if (!path) throw new Error('PROOF_TESTS names no file to write to');
    this.path = path;
  }

  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    const { adapter } = test.meta() as { adapter?: string };
    const message = errors?.map((error) => error.message).join('\n');
    const line: TestLine = {
      file: test.module.relativeModuleId,
      name: test.fullName,
      state,
      ...(message && { message }),
      ...(adapter && { adapter }),
    };
    appendFileSync(this.path, `${JSON.stringify(line)}\n`);
  }
}
