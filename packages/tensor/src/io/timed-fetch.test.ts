import { describe, expect, it } from 'vitest';
import { FormatError } from '../errors.ts';
import { httpSource } from './http.ts';
import { timedFetch } from './timed-fetch.ts';

const wait = (ms: number) => new Promise((resume) => setTimeout(resume, ms));

/** An answer whose parts come `ms` apart. */
function parts(sizes: readonly number[], ms: number): Response {
  const left = [...sizes];
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      await wait(ms);
      const size = left.shift();
      if (size === undefined) controller.close();
      else controller.enqueue(new Uint8Array(size));
    },
  });
  return new Response(body, { status: 206, headers: { etag: 'x' } });
}

/** A browser's own `text()` says nothing but "Failed to fetch". */
async function readToTheEnd({ body }: Response): Promise<void> {
  const reader = body?.getReader();
  for (let isOver = reader === undefined; !isOver; ) isOver = (await reader?.read())?.done ?? true;
}

describe('timedFetch', () => {
  it('gives the answer with its status, headers and bytes', async () => {
    const answer = await timedFetch(async () => parts([1, 2000, 3], 1), { seconds: 2 })('http://host/a');
    expect([answer.status, answer.headers.get('etag'), (await answer.arrayBuffer()).byteLength]).toEqual([206, 'x', 2004]);
  });

  it('gives up on a server that does not answer, and tells it', async () => {
    let told: unknown;
    const get = timedFetch(
      (_, init) =>
        new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject((told = init.signal?.reason)))),
      { seconds: 0.05 },
    );
    await expect(get('http://host/a')).rejects.toThrow('host did not answer within 0.05 s');
    expect(told).toBeInstanceOf(Error);
  });

  it('gives up on a body that stops, that drips, or that floods', async () => {
    const silent = timedFetch(async () => parts([2000, 1], 400), { seconds: 0.5 });
    // Each part takes 0.4 s: the first fills its time's quota, the second does not.
    await expect(silent('http://host/a').then(readToTheEnd)).rejects.toThrow(/host sent 1 bytes in 0\.5 s/);
    const never = timedFetch(async () => parts([1], 5000), { seconds: 0.05 });
    await expect(never('http://host/a').then(readToTheEnd)).rejects.toThrow('nothing came from host for 0.05 s');
    const flood = timedFetch(async () => parts([600, 600], 1), { seconds: 1, mostBytes: 1000 });
    await expect(flood('http://host/a').then(readToTheEnd)).rejects.toThrow(/longer than 1000 bytes/);
  });

  it('counts no time in which nobody waits', async () => {
    const answer = await timedFetch(async () => parts([1, 1, 1], 1), { seconds: 0.2 })('http://host/a');
    const reader = answer.body?.getReader();
    for (let read = 0; read < 3; read += 1) {
      await wait(150);
      expect((await reader?.read())?.done).toBe(false);
    }
  });

  it('is what sources of files use', async () => {
    const source = httpSource('http://host/a', { fetch: () => new Promise(() => undefined), timeout: 0.05 });
    await expect(source).rejects.toThrow(FormatError);
    await expect(source).rejects.toThrow(/did not answer within 0\.05 s/);
  });
});
