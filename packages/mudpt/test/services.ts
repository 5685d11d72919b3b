/** Servers that tests start for themselves: a Redis and a Slurm of one node, where they are installed. */
import { execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

/** Why commands in processes of their own are not tested here: they open their devices themselves, with the adapter's limits. */
export const notHere: string | undefined =
  process.env['TENSOR_LIMITS'] === 'default' ? 'tested with the limits of the adapter' : undefined;

/** Why what is the same on every adapter is not tested here: the suite does so on the first one. */
export const isElsewhere: string | undefined =
  process.env['TEST_ANOTHER_ADAPTER'] === '1' ? 'tested on the first adapter' : notHere;

/** Why a server cannot be started here; undefined where it can. */
export function whyNot(programs: readonly string[], { needsRoot = false } = {}): string | undefined {
  const missing = programs.filter((name) => {
    try {
      execFileSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore', env: daemonEnvironment() });
      return false;
    } catch {
      return true;
    }
  });
  if (missing.length > 0) return `${missing.join(', ')} is not installed`;
  return needsRoot && process.getuid?.() !== 0 ? 'it needs root' : undefined;
}

export const SLURM_PROGRAMS: readonly string[] = ['slurmctld', 'slurmd', 'sbatch', 'munged'];

/** Daemons lie where a user's PATH may not lead. */
function daemonEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** A Redis that keeps nothing. */
export async function startRedis(folder: string): Promise<{ url: string } & AsyncDisposable> {
  const port = await freePort();
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  const server = spawn('redis-server', words, { stdio: ['ignore', 'pipe', 'ignore'] });
  const isReady = new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)));
    server.stdout.on('data', (data: Buffer) => data.toString().includes('Ready to accept') && resolve());
  });
  await isReady;
  const ended = new Promise((resolve) => server.once('exit', resolve));
  return {
    url: `redis://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.kill();
      await ended;
    },
  };
}

/** A Slurm of this machine alone. */
export async function startSlurm(folder: string): Promise<{ environment: NodeJS.ProcessEnv } & AsyncDisposable> {
  const script = fileURLToPath(new URL('one-node-slurm.sh', import.meta.url));
  const control = (...words: string[]): void =>
    void execFileSync('bash', [script, ...words], { env: daemonEnvironment(), stdio: ['ignore', 'ignore', 'inherit'] });
  const end = async (): Promise<void> => {
    control('stop', folder);
    // Daemons write a last time as they end.
    await sleep(500);
  };
  try {
    control('start', folder, String(await freePort()));
  } catch (error) {
    await end();
    throw error;
  }
  return { environment: { ...process.env, SLURM_CONF: `${folder}/slurm.conf` }, [Symbol.asyncDispose]: end };
}
