/** One tab of the studio at a time: two would write over each other's project and training. */
import { signal } from '@preact/signals';

/** Whether another tab has the studio open: this one waits until it is closed. */
export const isElsewhere = signal(false);

/** Milliseconds after which a person is told what is waited for: a page that is being reloaded is gone sooner. */
const TOLD_AFTER = 400;

/** Resolves once this tab is the only one. It stays so until it is closed. */
export async function becomeOnlyTab(): Promise<void> {
  // Absent in pages that are not secure, which have no WebGPU either.
  const locks = navigator.locks as LockManager | undefined;
  if (!locks) return;
  const timer = setTimeout(() => (isElsewhere.value = true), TOLD_AFTER);
  await new Promise<void>((resolve) => {
    void locks.request('mudpt-studio', () => {
      resolve();
      return new Promise(() => undefined);
    });
  });
  clearTimeout(timer);
  isElsewhere.value = false;
}
