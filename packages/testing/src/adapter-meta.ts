/**
 * Adapter marks of tests: which ran on a GPU or a software adapter. scripts/test.mjs reads the marks from the report: a suite without any,
 * or with another adapter than the run was for, fails.
 */
import type { AdapterInfo } from '@mudpt/tensor';

declare module 'vitest' {
  interface TaskMeta {
    /** Kind of the adapter that the test ran on. */
    adapter?: string;
  }
}

/** Call it with the running test, for instance in `beforeEach(({ task }) => ranOn(task, device.info))`. */
export function ranOn(task: { meta: { adapter?: string } }, info: Pick<AdapterInfo, 'kind'>): void {
  task.meta.adapter = info.kind;
}
