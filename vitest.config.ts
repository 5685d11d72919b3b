import { availableParallelism, totalmem } from 'node:os';
import { relative } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Memory of a process of the suite, with the largest tensors of its tests and the compiled kernels of its files. */
const PROCESS_BYTES = 1.75 * 2 ** 30;
/** Of the machine, or of the container. */
const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
const processes = Math.max(1, Math.min(availableParallelism(), Math.floor(memory / PROCESS_BYTES)));

/**
 * Left out with WebGPU's default limits: what stands on the kernels and gives them no shapes that their own tests, those of the towers and a step of
 * every method do not, examples among it; kernel variants forced one by one under a gradient, whose WGSL is that of the run before; references and measurements.
 */
const LIMITS_CHANGE_NOTHING = [
  'packages/mudpt/src/!(conformance|pretrain|evaluation)/**',
  'packages/mudpt/src/pretrain/smoke.node.test.ts',
  'packages/clip/src/cli/**',
  'packages/autograd/src/rules/{variants.node,long}.test.ts',
  'packages/testing/**',
  'examples/**',
  'test/parity/**',
];

/** Files that take a minute and more, the longest first: begun last, one of them would keep a core busy while the others have nothing left to do. */
const LONG = [
  'packages/mudpt/src/conformance/conformance.test.ts',
  'packages/autograd/src/rules/variants.node.test.ts',
  'packages/mudpt/src/report/every-method.test.ts',
  'packages/mudpt/src/sweep/engines/engines.test.ts',
  'packages/mudpt/src/cli/predict-shards.test.ts',
  'packages/mudpt/src/sweep/sweep.test.ts',
  'packages/tensor/src/ops/products/matmul.test.ts',
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const place = LONG.indexOf(relative(import.meta.dirname, moduleId));
      return place < 0 ? LONG.length : place;
    };
    return (await super.sort(files)).sort((one, other) => rankOf(one) - rankOf(other));
  }
}

/** The suite in Node. The adapter comes from the environment: start it through scripts/launch.mjs or scripts/test.mjs. */
export default defineConfig({
  test: {
    include: [
      'packages/**/*.test.ts',
      'shaders/**/*.test.ts',
      'bench/**/*.test.ts',
      'examples/**/*.test.ts',
      'scripts/**/*.test.ts',
      'tools/{*,gaps/*}.test.ts',
      'test/**/*.test.ts',
    ],
    tags: [{ name: 'device', description: 'runs kernels on the device of eachDevice (@mudpt/testing/support)' }],
    exclude: [
      ...configDefaults.exclude,
      '**/*.browser.test.ts',
      ...(process.env['TENSOR_LIMITS'] === 'default' ? LIMITS_CHANGE_NOTHING : []),
    ],
    // A process a core; each takes the next file when it is done with one, and its device with all compiled pipelines serves every file it takes.
    // Compiling pipelines, starting commands and the references in JavaScript keep one core busy each, so a single process leaves the others idle.
    pool: 'forks',
    isolate: false,
    maxWorkers: processes,
    sequence: { sequencer: LongFirst },
    // The first dispatch of a kernel compiles it, for seconds on CPU adapters.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A test whose features come from an earlier run would test nothing; those of the cache name a folder.
    env: { MUDPT_CACHE_DIR: 'off' },
  },
});
