/** Takes the place of @mudpt/testing's stopwatch in the page, which sees no processor times: what the wall says. */
import type { Device } from '@mudpt/tensor';
import type { Elapsed } from '@mudpt/testing/measure/stopwatch';

export function stopwatch(_device: Device): () => Elapsed {
  const begin = performance.now();
  return () => {
    const wall = performance.now() - begin;
    return { wall, busy: wall };
  };
}
