// Node: the examples of the READMEs, every command, two copies of the engine, a thread.
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf, TYPED } from '../project.mjs';
import { example, expectMatch, refusal, ROOT, run } from '../shell.mjs';
import { writeSquare } from '../used.mjs';

/** A second copy of the engine, as two versions in one tree would be. */
const TWO_COPIES = `import { Device, ones } from '@mudpt/tensor';
import { grad } from '@mudpt/autograd';
const other = await import('./second/@mudpt/tensor/dist/index.js');
const told = (body) => { try { body(); return 'nothing'; } catch (error) { return error.message; } };
const device = await Device.open();
console.log(told(() => other.ones([2])));
const second = await other.Device.open();
console.log(told(() => ones([2]).add(other.ones([2]))));
console.log(told(() => grad((x) => x.sum())(other.ones([2]))));
device.dispose();
second.dispose();
`;

/** Decodes on a thread, whose module is found through the manifest. */
const WORKER = `import { createImageLoader } from '@mudpt/clip';
const loader = createImageLoader({ size: 8, workers: 1 });
console.log((await loader.load('square.png')).length, 'bytes');
await loader.close();
`;

/** @param {string} project */
async function runExamples(project) {
  for (const name of ['node.mjs', 'kernel.mjs', 'line.mjs']) {
    const { program, prints } = example(name);
    writeFileSync(join(project, name), program);
    const output = await run(commandOf(project, 'mudpt-launch'), ['node', name], project);
    expectMatch(output.trim(), prints, `mudpt-launch node ${name}`);
  }
  const tsx = join(ROOT, 'node_modules', '.bin', 'tsx');
  for (const name of TYPED) expectMatch((await run(tsx, [name], project)).trim(), example(name).prints, `Node runs ${name}`);
}

/** @param {string} project */
async function nameTwoCopies(project) {
  const second = join(project, 'second');
  for (const [name, place] of [
    ['tensor', join(second, '@mudpt', 'tensor')],
    ['shaders', join(second, 'node_modules', '@mudpt', 'shaders')],
  ])
    cpSync(join(project, 'node_modules', '@mudpt', name ?? ''), place ?? '', { recursive: true, dereference: true });
  writeFileSync(join(project, 'copies.mjs'), TWO_COPIES);
  const both =
    /^ones: no device is open; there are two copies of @mudpt\/tensor, .*second.*\nadd: .* of another copy of @mudpt\/tensor, .*\ngrad: .* of another copy/m;
  const output = await run(commandOf(project, 'mudpt-launch'), ['node', 'copies.mjs'], project);
  expectMatch(output, both, 'two copies of the engine are named');
}

/** @param {string} project */
async function runCommands(project) {
  const launcher = commandOf(project, 'mudpt-launch');
  const report = /^Chosen: \w+[\s\S]*product of 512 x 512 +[\d.]+ ms .*right$/m;
  expectMatch(await run(launcher, ['doctor'], project), report, 'mudpt-launch doctor');
  const refused = await refusal(launcher, ['tune', 'gem'], project);
  expectMatch(refused, /tune: no kernel family is called gem; use .*gemm/, 'mudpt-launch tune');
  writeSquare(project);
  writeFileSync(join(project, 'worker.mjs'), WORKER);
  expectMatch(await run(process.execPath, ['worker.mjs'], project), /^192 bytes$/m, 'a thread decodes');
  const labels = ['--label', 'red', '--label', 'blue', '--format', 'csv'];
  const words = ['zeroshot', 'node_modules/mudpt/assets/clip', 'square.png', ...labels];
  const scores = await run(commandOf(project, 'mudpt-clip'), words, project);
  expectMatch(scores, /^square\.png,1,(?:red|blue),0\.\d+/m, 'mudpt-clip zeroshot');
  const estimate = await run(commandOf(project, 'mudpt'), ['train', '--shots', '1', '--dry-run'], project);
  expectMatch(estimate, /^18 classes, 18 training and 242 test pictures/m, 'mudpt train --dry-run');
}

/** @type {import('../ways.mjs').Check} */
export async function checkNode(context) {
  const project = await context.project();
  await runExamples(project);
  await runCommands(project);
  await nameTwoCopies(project);
}
