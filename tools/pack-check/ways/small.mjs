// Small programs run without the methods of tensors, and weigh no more than they may, as Vite and as esbuild bundle them.
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BUDGETS, bundledSize } from '../../../test/bundles/size.mjs';
import { commandOf } from '../project.mjs';
import { expectMatch, ROOT, run } from '../shell.mjs';
import { bundleByEsbuild } from './esbuild.mjs';

/** What the programs of test/bundles print. */
const PRINTED = { 'pointwise.mjs': /^\[ 0, 3, 5 \]$/, 'three-ops.mjs': /^58$/, 'mlp.mjs': /^loss 0\.\d+ to 0\.0\d$/ };

/** A program of test/bundles in the project. @param {string} project @param {string} name @returns {string} its path */
export function smallProgram(project, name) {
  const file = join(project, name);
  cpSync(join(ROOT, 'test', 'bundles', name), file);
  return file;
}

/** @param {string} name of the program @param {string} bundler @param {number} size bytes gzipped @param {number} most */
export function checkSize(name, bundler, size, most) {
  if (size > most) throw new Error(`${name} bundled by ${bundler} weighs ${size} bytes gzipped, and may weigh ${most}`);
  console.log(`ok    ${bundler} bundles ${name}: ${(size / 1000).toFixed(1)} kB gzipped`);
}

/** @type {import('../ways.mjs').Check} */
export async function checkSmall(context) {
  const project = await context.project();
  for (const [name, most] of Object.entries(BUDGETS)) {
    const file = smallProgram(project, name);
    const prints = PRINTED[/** @type {keyof typeof PRINTED} */ (name)];
    const output = await run(commandOf(project, 'mudpt-launch'), ['node', name], project);
    expectMatch(output.trim(), prints, `${name} runs without methods`);
    checkSize(name, 'Vite', await bundledSize(project, file), most);
    checkSize(name, 'esbuild', gzipSync(await bundleByEsbuild(file, `${file}.js`), { level: 9 }).length, most);
  }
}
