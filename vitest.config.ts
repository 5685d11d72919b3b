import { configDefaults, defineConfig } from 'vitest/config';

/** The suite in Node. The adapter comes from the environment: start it through scripts/launch.mjs or scripts/test.mjs. */
export default defineConfig({
  test: {
    include: [
      'packages/**/*.test.ts',
      'shaders/**/*.test.ts',
      'bench/**/*.test.ts',
      'scripts/**/*.test.ts',
      'tools/*.test.ts',
      'test/**/*.test.ts',
    ],
    tags: [{ name: 'device', description: 'runs kernels on the device of eachDevice (@mudpt/testing/support)' }],
    exclude: [...configDefaults.exclude, '**/*.browser.test.ts'],
    // One process, file after file: the device, its pipelines and the compiled shaders serve the whole suite, and CPU adapters
    // use every core already.
    pool: 'forks',
    isolate: false,
    fileParallelism: false,
    // The first dispatch of a kernel compiles it, for seconds on CPU adapters.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A test whose features come from an earlier run would test nothing; those of the cache name a folder.
    env: { MUDPT_CACHE_DIR: 'off' },
  },
});
