/** A test that fails on purpose, for `pnpm gpu:proof --plant failing`; no other run includes it. */
import { expect, it } from 'vitest';

it('fails on purpose', () => {
  expect('what a kernel gave').toBe('what is right');
});
