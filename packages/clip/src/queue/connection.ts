/** Connections to the Redis of BullMQ queues. Both libraries are optional: who wants a queue installs them. */
import type { Redis } from 'ioredis';
import { InputError } from '@mudpt/tensor';

const INSTALL = 'npm install bullmq@6.7.0 ioredis@5.9.2';

export async function libraries(): Promise<{ bullmq: typeof import('bullmq'); ioredis: typeof import('ioredis') }> {
  try {
    return { bullmq: await import('bullmq'), ioredis: await import('ioredis') };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new InputError('--redis', 'a queue needs BullMQ and ioredis, which are not installed', INSTALL, { cause });
  }
}

/** A connection to the Redis of the queue. @throws InputError when nothing answers there */
export async function connect(url: string): Promise<Redis> {
  const { ioredis } = await libraries();
  let isConnected = false;
  const connection = new ioredis.Redis(url, {
    lazyConnect: true,
    connectTimeout: 5000,
    // BullMQ waits for jobs within one request, so requests have no limit of retries; a lost connection is made again.
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (isConnected ? Math.min(1000 * times, 10_000) : null),
  });
  connection.on('error', () => undefined);
  try {
    await connection.connect();
    await connection.ping();
  } catch (cause) {
    connection.disconnect();
    throw new InputError(
      '--redis',
      `no Redis answers at ${url} (${(cause as Error).message})`,
      'start one: redis-server --port 6379',
      { cause },
    );
  }
  isConnected = true;
  return connection;
}
