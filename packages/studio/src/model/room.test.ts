import { expect, it } from 'vitest';
import { roomFor } from './room.ts';

it('counts what lies on the device, and names the weight that an adapter does not bind', () => {
  const shapes = [
    ['token_embedding.weight', [1000, 1000]],
    ['visual.proj', [10, 10]],
    ['text_projection', [10, 20]],
  ] as const;
  const limits = { maxBufferSize: 10_000, maxStorageBufferBindingSize: 500 };
  expect(roomFor(shapes, limits)).toEqual({ bytes: 1200, tooLarge: { name: 'text_projection', bytes: 800 } });
  expect(roomFor(shapes, { ...limits, maxStorageBufferBindingSize: 800 }).tooLarge).toBeUndefined();
});
