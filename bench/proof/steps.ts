/** The steps of the proof, in order: what can be wrong first, then what can be slow. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fixturePath } from '@mudpt/testing/files';
import { peersFolder } from '../peers/install.ts';
import type { Step } from './run.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE = [process.execPath, '--import', 'tsx'];

export type Choice = {
  /** Folder of the results. */
  readonly out: string;
  /** Small shapes and short runs. */
  readonly isDry: boolean;
  /** Golden files and folders; without any, those of the repository's fixtures. */
  readonly goldens: readonly string[];
  /** Planted faults, each a step of its own: they show what a fault does to the rest. */
  readonly faults: readonly string[];
  readonly minutes: number;
};

/** Faults that can be planted, by what the program `faults.ts` takes. */
export const FAULTS = ['hang', 'lost', 'failing'] as const;

/** Tests of kernels whose variants are forced, of gradients, capture and methods: wrong numbers show here first. */
export const FIRST_TESTS = [
  'packages/tensor/src/ops/products/matmul',
  'packages/tensor/src/ops/products/linear',
  'packages/tensor/src/kernels/gemm',
  'packages/tensor/src/ops/attention',
  'packages/tensor/src/kernels/attention',
  'packages/tensor/src/ops/norms',
  'packages/tensor/src/ops/reduce',
  'packages/autograd/src/nn/norm',
];
const DRY_TESTS = ['packages/tensor/src/ops/norms'];

/** Seconds of a whole proof for which the shares below are meant. */
const WHOLE = 480;

const here = (file: string): string => join(ROOT, 'bench', 'proof', file);

/** Makers of steps, whose seconds are shares of the whole proof's. */
function makersOf({ out, minutes }: Choice) {
  const scale = Math.max(0.25, (minutes * 60) / WHOLE);
  const program = (name: string, title: string, seconds: number, file: string, ...words: string[]): Step => ({
    name,
    title,
    seconds: seconds * scale,
    command: [...NODE, file, ...words],
  });
  const tests = (name: string, title: string, seconds: number, words: readonly string[]): Step => ({
    name,
    title,
    seconds: seconds * scale,
    command: [
      process.execPath,
      join(ROOT, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--reporter=default',
      `--reporter=${here('reporter.ts')}`,
      ...words,
    ],
    environment: { PROOF_TESTS: join(out, `${name}.jsonl`) },
  });
  const bench = (suite: string, seconds: number, ...words: string[]): Step => {
    const file = join(ROOT, 'bench/main.ts');
    return program(`bench-${suite}`, `Benchmark: ${suite}`, seconds, file, suite, '--out', out, '--quick', ...words);
  };
  return { scale, program, tests, bench };
}

type Makers = ReturnType<typeof makersOf>;

const smallIf = (isDry: boolean): string[] => (isDry ? ['--small'] : []);
const firstTests = (isDry: boolean): readonly string[] => (isDry ? DRY_TESTS : FIRST_TESTS);

function planted(fault: string, { program, tests }: Makers): Step {
  const [name, title] = [`fault-${fault}`, `Planted fault: ${fault}`];
  if (fault === 'failing') return tests(name, title, 15, ['--config', here('planted/vitest.config.ts')]);
  return program(name, title, 12, here('faults.ts'), fault);
}

/** What can be wrong. */
function correctness({ out, isDry, goldens, faults }: Choice, makers: Makers): Step[] {
  const { program, tests } = makers;
  const gathered = fixturePath('gather_rows.safetensors');
  const checked = goldens.length > 0 ? goldens : [gathered, fixturePath('methods')];
  return [
    program('adapter', 'Adapter, driver, features, limits', 30, here('adapter.ts'), out),
    ...faults.map((fault) => planted(fault, makers)),
    program('repeat', 'Bitwise repeatability', 40, here('repeat.ts'), out, ...smallIf(isDry)),
    tests('tests-first', 'Tests with forced variants', isDry ? 150 : 90, firstTests(isDry)),
    program('goldens', "The authors' numbers", 60, join(ROOT, 'test/parity/main.ts'), ...(isDry ? [gathered] : checked)),
  ];
}

/** A file each: a step that is stopped loses what it measured. */
function trainingBench(name: string, classes: string, { isDry }: Choice, { bench }: Makers): Step {
  const leftOut = 'minutes a step on a CPU adapter; pnpm bench training measures it';
  const title = `Benchmark: training, ${classes} classes`;
  return { ...bench('training', 70, '--classes', classes), name, title, ...(isDry && { leftOut }) };
}

/** What can be slow. */
function speed(choice: Choice, makers: Makers): Step[] {
  const { out, isDry } = choice;
  const { scale, program, bench } = makers;
  const peers = ['@jax-js', '@tensorflow'].every((name) => existsSync(join(peersFolder(), 'node_modules', name)));
  return [
    program('peaks', 'Peaks of the adapter', 30, here('peaks.ts'), out, ...smallIf(isDry)),
    program('tune', 'Fastest variant of each kernel', 60, here('tuning.ts'), out, ...smallIf(isDry)),
    bench('gemm', 40),
    bench('attention', 60),
    bench('layernorm', 15),
    { ...bench('towers', 40), ...(isDry && { leftOut: 'minutes on a CPU adapter' }) },
    bench('step', 20),
    trainingBench('bench-training', '10,100', choice, makers),
    trainingBench('bench-training-1000', '1000', choice, makers),
    {
      name: 'torch',
      title: 'The same training step in PyTorch',
      seconds: 45 * scale,
      command: ['python3', join(ROOT, 'bench/peers/torch_step.py'), '--device', 'cuda', '4', '5', '10', '100', '1000'],
      ...(isDry && { leftOut: 'it needs CUDA' }),
    },
    {
      ...bench('gemm', 60, '--peers'),
      name: 'peers',
      title: 'Other engines on this adapter',
      ...(!peers && { leftOut: `not installed: pnpm bench --peers installs them in ${peersFolder()}` }),
      ...(isDry && { leftOut: 'pnpm bench --peers measures them' }),
    },
  ];
}

/** Long ones: whole trainings, and the tests that the first steps leave. */
function wholes({ out, isDry }: Choice, { program, tests }: Makers): Step[] {
  const cli = join(ROOT, 'packages/mudpt/src/cli/main.ts');
  const training = ['train', '--fresh', '--out', join(out, 'runs'), ...(isDry ? ['--shots', '2', '--epochs', '1'] : [])];
  const others = firstTests(isDry).flatMap((file) => ['--exclude', `**/${file}*`]);
  return [
    program('train', 'The embedded model learns', isDry ? 120 : 60, cli, ...training),
    program('pretrain', 'Pretraining: images a second', isDry ? 120 : 75, here('pretraining.ts'), out, ...smallIf(isDry)),
    { ...tests('tests-rest', 'All other tests', 600, others), ...(isDry && { leftOut: 'pnpm test runs them' }) },
  ];
}

export function planSteps(choice: Choice): Step[] {
  const makers = makersOf(choice);
  return [...correctness(choice, makers), ...speed(choice, makers), ...wholes(choice, makers)];
}
