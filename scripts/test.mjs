#!/usr/bin/env node
// node scripts/test.mjs [--only RUN] [VITEST ARGUMENTS...]
//
// The whole suite on everything this machine can test:
//   one run per working adapter (GPU, lavapipe, SwiftShader), each in full;
//   one run of the tests tagged `device` (those of `eachDevice`) on the first of them, with WebGPU's default limits and no features, as the weakest would have
//     it: those that limits can change (vitest.config.ts says which not);
//   one run of the tests that a page can run in headless Chromium, where one is installed.
// Files run side by side, a process a core. Ends with `N passed, N failed`. A whole run in which no test reached an adapter, or a test ran on another one, counts as a failure.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { chooseAdapter, NoAdapterError, presentAdapters } from '@mudpt/tensor/launcher';
import { findChromium } from './chromium.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const REPORTS = join(ROOT, '.cache', 'test');

/**
 * @typedef {object} Run
 * @property {string} name also what `--only` takes
 * @property {string} adapter the kind that every GPU test of the run must report
 * @property {NodeJS.ProcessEnv} environment
 * @property {string[]} vitest arguments
 */
/**
 * @typedef {object} Report the part of vitest's JSON report that is read here
 * @property {{ status: string, message: string, assertionResults: { status: string, meta?: { adapter?: string } }[] }[]} testResults
 */
/** @typedef {{ passed: number, failed: number, skipped: number, onAdapter: number, problems: string[] }} Tally */

/**
 * What is run where.
 *
 * @param {import('../packages/tensor/launcher/choose.mjs').Choice[]} adapters that work, fastest first
 * @param {string | undefined} chromium path
 * @param {NodeJS.ProcessEnv} environment for the browser's run
 * @returns {Run[]}
 */
export function plan(adapters, chromium, environment) {
  /** @type {Run[]} */
  const runs = adapters.map(({ kind, environment: drivers }, place) => ({
    name: kind,
    adapter: kind,
    // Tests of what is the same on every adapter, and long, are for the first one alone.
    environment: { ...drivers, MUDPT_ADAPTER: kind, ...(place > 0 && { TEST_ANOTHER_ADAPTER: '1' }) },
    vitest: [],
  }));
  const [first] = runs;
  if (first)
    runs.splice(1, 0, {
      ...first,
      name: 'default-limits',
      environment: { ...first.environment, TENSOR_LIMITS: 'default' },
      vitest: ['--tags-filter=device'],
    });
  if (chromium) {
    // Chromium points the loader to its own SwiftShader through VK_ICD_FILENAMES; VK_DRIVER_FILES would overrule it.
    const { VK_DRIVER_FILES: _files, VK_ICD_FILENAMES: _names, ...withoutDrivers } = environment;
    runs.push({
      name: 'browser',
      adapter: 'swiftshader',
      environment: withoutDrivers,
      vitest: ['--config', 'vitest.browser.config.ts'],
    });
  }
  return runs;
}

/**
 * Counts a vitest report.
 *
 * @param {Report} report
 * @param {string} adapter that GPU tests must report
 * @param {boolean} whole the run was not narrowed to some files, so some tests must have reached the adapter
 * @returns {Tally}
 */
export function tally(report, adapter, whole) {
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const count = (/** @type {string} */ status) => tests.filter((test) => test.status === status).length;
  // A file that fails before its first test has none to count.
  const broken = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  );
  const marks = tests.flatMap((test) => (test.meta?.adapter ? [test.meta.adapter] : []));
  const problems = broken.map((file) => `a file failed outside of its tests: ${file.message.split('\n')[0]}`);
  if (whole && marks.length === 0) problems.push('no test reached an adapter');
  const strangers = marks.filter((kind) => kind !== adapter);
  if (strangers.length > 0)
    problems.push(`${strangers.length} tests ran on ${[...new Set(strangers)].join(', ')} instead of ${adapter}`);
  const failed = count('failed') + problems.length;
  return {
    passed: count('passed'),
    failed,
    skipped: tests.length - count('passed') - count('failed'),
    onAdapter: marks.length,
    problems,
  };
}

/** @param {Run} run @param {string[]} extra @returns {Tally} */
function execute(run, extra) {
  const report = join(REPORTS, `${run.name}.json`);
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const entry = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawnSync(process.execPath, [entry, 'run', ...run.vitest, ...reporters, ...extra], {
    cwd: ROOT,
    env: run.environment,
    stdio: 'inherit',
  });
  if (!existsSync(report)) {
    return {
      passed: 0,
      failed: 1,
      skipped: 0,
      onAdapter: 0,
      problems: [`vitest wrote no report (exit ${child.status ?? child.signal})`],
    };
  }
  const counted = tally(JSON.parse(readFileSync(report, 'utf8')), run.adapter, extra.length === 0);
  if (child.status !== 0 && counted.failed === 0) {
    counted.failed++;
    counted.problems.push(`vitest ended with ${child.status ?? child.signal} though no test failed`);
  }
  return counted;
}

/** @returns {number} exit code */
function main() {
  const words = process.argv.slice(2);
  const only = words[0] === '--only' ? words.splice(0, 2)[1] : undefined;
  // --adapter's variable forces one adapter here as well.
  const adapters = process.env.MUDPT_ADAPTER ? [chooseAdapter(process.env.MUDPT_ADAPTER)] : presentAdapters();
  if (adapters.length === 0) chooseAdapter(undefined); // throws, with what was tried
  const chromium = findChromium();
  const all = plan(adapters, chromium, process.env);
  const runs = only ? all.filter((run) => run.name === only) : all;
  for (const { kind, name, source } of adapters) console.log(`adapter: ${kind}, ${name} (${source})`);
  console.log(
    chromium ? `browser: ${chromium}` : 'browser: not tested, no Chromium or Chrome was found (set CHROMIUM to its path)',
  );
  if (runs.length === 0) {
    console.error(`test: there is no run '${only}'; this machine has ${all.map((run) => run.name).join(', ')}`);
    return 2;
  }
  mkdirSync(REPORTS, { recursive: true });
  const total = { passed: 0, failed: 0 };
  const lines = runs.map((run) => {
    console.log(`\n== ${run.name}`);
    const start = performance.now();
    const result = execute(run, words);
    total.passed += result.passed;
    total.failed += result.failed;
    for (const problem of result.problems) console.error(`${run.name}: ${problem}`);
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    return `${run.name.padEnd(15)} ${result.passed} passed (${result.onAdapter} on the adapter), ${result.failed} failed, ${result.skipped} skipped, ${seconds} s`;
  });
  console.log(`\n${lines.join('\n')}\n${total.passed} passed, ${total.failed} failed`);
  return total.failed > 0 ? 1 : 0;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    process.exitCode = main();
  } catch (error) {
    if (!(error instanceof NoAdapterError)) throw error;
    console.error(`test: ${error.message}\n0 passed, 1 failed`);
    process.exitCode = 1;
  }
}
