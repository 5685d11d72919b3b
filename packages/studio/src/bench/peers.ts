/** Another engine on the same problems, in a worker and on a device of its own. */
import { peers } from 'virtual:peers';
import { checked, type Effort, errorOf, summary } from '../../../../bench/harness.ts';
import { checkOf, flopsOf, type Job, nameOf } from '../../../../bench/jobs.ts';
import { pageError, toldOf } from '../worker/rpc.ts';
import { absentRow } from './absent.ts';
import { attempt } from './attempt.ts';
import type { ShownRow } from './protocol.ts';

/** Other engines: those built into this page, and those that could be. */
export const peerNames = peers.map(({ name, open }) => ({ name, isBuiltIn: open !== undefined }));

/** A row for every problem: where the engine cannot do it or fails, with the reason. @throws StudioError where it cannot be opened at all */
export async function runPeer(
  name: string,
  suites: Readonly<Record<string, readonly Job[]>>,
  effort: Effort,
  onRow: (row: ShownRow) => void,
): Promise<void> {
  const open = peers.find((one) => one.name === name)?.open;
  if (!open) throw pageError('peerAbsent');
  const run = await open().catch((error: unknown) => {
    throw pageError('peerFailed', toldOf(error).problem);
  });
  for (const [suite, jobs] of Object.entries(suites))
    for (const job of jobs) {
      const row = { suite, name: nameOf(job), engine: name, flops: flopsOf(job) };
      const check = checkOf(job);
      await attempt(
        row,
        async () => {
          const found = await run({ ...job, ...effort, places: check.at });
          if (!found) return absentRow(row, name, pageError('peerLacks'));
          return checked({ ...row, ...summary(found.times), error: errorOf(found.values, check.expected) });
        },
        onRow,
      );
    }
}
