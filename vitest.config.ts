import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

const ALL = [
  'packages/**/*.test.ts',
  'shaders/**/*.test.ts',
  'bench/**/*.test.ts',
  'scripts/**/*.test.ts',
  'tools/*.test.ts',
  'test/**/*.test.ts',
];

/** The tests to which a device's limits make a difference: those that get it from `eachDevice`. */
function deviceTests(): string[] {
  return ['packages', 'bench', 'test'].flatMap((folder) =>
    readdirSync(join(import.meta.dirname, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'))
      .map((file) => join(folder, file))
      .filter((file) => /\beachDevice\(/.test(readFileSync(join(import.meta.dirname, file), 'utf8'))),
  );
}

/** The suite in Node. The adapter comes from the environment: start it through scripts/launch.mjs or scripts/test.mjs. */
export default defineConfig({
  test: {
    include: process.env['TENSOR_LIMITS'] === 'default' ? deviceTests() : ALL,
    exclude: [...configDefaults.exclude, '**/*.browser.test.ts'],
    // One process, file after file: the device, its pipelines and the compiled shaders serve the whole suite, and CPU adapters
    // use every core already.
    pool: 'forks',
    isolate: false,
    fileParallelism: false,
    // The first dispatch of a kernel compiles it, for seconds on CPU adapters.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
