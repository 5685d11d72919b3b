// What peers share in Node: the adapter and the job file. Runs inside the peers' own folder, beside their node_modules.
import { readFileSync } from 'node:fs';
import { create, globals } from 'webgpu';

/** Dawn as `navigator.gpu`, on the adapter that the environment names. */
export function offerWebGpu() {
  Object.assign(globalThis, globals);
  // The object must stay reachable: Dawn's process ends when it is collected.
  globalThis.__dawn = create(['enable-dawn-features=allow_unsafe_apis', 'disable-dawn-features=timestamp_quantization']);
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: globalThis.__dawn, userAgent: 'node' }, configurable: true });
}

/**
 * Runs the jobs of the file named in argv[2] and prints a line for each.
 * @param {(job: any) => Promise<{ times: number[], values: number[] } | undefined>} run undefined: this engine cannot do that
 */
export async function serve(run) {
  const jobs = JSON.parse(readFileSync(process.argv[2], 'utf8'));
  for (const job of jobs) {
    let line;
    try {
      line = await run(job);
    } catch (error) {
      line = { error: error instanceof Error ? error.message.split('\n')[0] : String(error) };
    }
    process.stdout.write(`@@${JSON.stringify({ id: job.id, ...line })}\n`);
  }
  process.exit(0);
}
