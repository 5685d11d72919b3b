// webpack 5: two examples as pages in Chromium, and what small programs weigh.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { fetchModule } from '../fetched.mjs';
import { checkPages } from '../pages.mjs';
import { checkSize, smallProgram } from './small.mjs';

/** Modules stay functions in its bundles, and every op that has a gradient rule stays, because a rule is made by a call in which it sees effects. */
const MOST = { 'pointwise.mjs': 22_500, 'three-ops.mjs': 39_000, 'mlp.mjs': 112_000 };

/**
 * @param {any} webpack
 * @param {string} entry
 * @param {string} file
 */
async function bundle(webpack, entry, file) {
  const stats = await promisify(webpack)({
    mode: 'production',
    target: ['web', 'es2022'],
    context: dirname(entry),
    entry,
    output: { path: dirname(file), filename: file.slice(dirname(file).length + 1), module: true, chunkFormat: 'module' },
    experiments: { outputModule: true },
    optimization: { splitChunks: false },
    performance: { hints: false },
  });
  if (stats.hasErrors() || stats.hasWarnings())
    throw new Error(`webpack: ${stats.toString({ all: false, errors: true, warnings: true })}`);
}

/** @type {import('../ways.mjs').Check} */
export async function checkWebpack(context) {
  const { default: webpack } = await fetchModule('webpack', 'webpack');
  const project = await context.project();
  for (const [name, most] of Object.entries(MOST)) {
    const file = join(project, `webpack-${name}`, 'bundle.js');
    await bundle(webpack, smallProgram(project, name), file);
    checkSize(name, 'webpack', gzipSync(readFileSync(file), { level: 9 }).length, most);
  }
  await checkPages(project, 'webpack', ['browser.mjs', 'learn.ts'], (root, output) =>
    bundle(webpack, join(root, 'program.mjs'), join(root, output)),
  );
}
