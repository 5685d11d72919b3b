/** Another engine on the same problems, in a worker and on a device of its own. */
import { peers } from 'virtual:peers';
import { checked, type Effort, errorOf, type Row, summary } from '../../../../bench/harness.ts';
import { checkOf, flopsOf, type Job, nameOf } from '../../../../bench/jobs.ts';
import { attempt } from './attempt.ts';

/** Those that are built into this page, and those that could be. */
export const peerNames = peers.map(({ name, open }) => ({ name, isBuiltIn: open !== undefined }));

/** Rows of what the engine can do; where it fails, with the problem. @throws Error where it cannot be opened at all */
export async function runPeer(
  name: string,
  suites: Readonly<Record<string, readonly Job[]>>,
  effort: Effort,
  onRow: (row: Row) => void,
): Promise<void> {
  const open = peers.find((one) => one.name === name)?.open;
  if (!open) throw new Error(`${name} is not built into this page`);
  const run = await open();
  for (const [suite, jobs] of Object.entries(suites))
    for (const job of jobs) {
      const row = { suite, name: nameOf(job), engine: name, flops: flopsOf(job) };
      const check = checkOf(job);
      await attempt(
        row,
        async () => {
          const found = await run({ ...job, ...effort, places: check.at });
          return found && checked({ ...row, ...summary(found.times), error: errorOf(found.values, check.expected) });
        },
        onRow,
      );
    }
}
