import { expect, it } from 'vitest';
import { untilAborted } from './event-loop.ts';

it('waits for work, but no longer than until it is asked to stop', async () => {
  const stop = new AbortController();
  const never = new Promise<number>(() => undefined);
  expect(await untilAborted(Promise.resolve(3), stop.signal)).toBe(3);
  expect(await untilAborted(Promise.resolve(4))).toBe(4);
  await expect(untilAborted(Promise.reject(new Error('broken')), stop.signal)).rejects.toThrow('broken');
  const waited = untilAborted(never, stop.signal);
  stop.abort(new Error('stopped'));
  await expect(waited).rejects.toThrow('stopped');
  await expect(untilAborted(never, stop.signal)).rejects.toThrow('stopped');
});
