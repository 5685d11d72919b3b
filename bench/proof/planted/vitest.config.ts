import { defineConfig } from 'vitest/config';

/** Only the test that fails on purpose. */
export default defineConfig({ test: { root: import.meta.dirname, include: ['failing.planted.ts'] } });
