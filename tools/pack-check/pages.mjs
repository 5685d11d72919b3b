// Programs as pages, for the ways that bundle them.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { transformWithEsbuild } from 'vite';
import { END, visit } from './browser.mjs';
import { example, expectMatch } from './shell.mjs';

/**
 * A folder with a page and its program: an example of the READMEs in JavaScript, after which it says that it has ended.
 *
 * @param {string} root to be made
 * @param {string} name of the example
 * @param {string} script that the page loads
 */
export async function writePage(root, name, script) {
  mkdirSync(root, { recursive: true });
  const { code } = await transformWithEsbuild(`${example(name).program}\nconsole.log('${END}');\n`, name, { target: 'esnext' });
  writeFileSync(join(root, 'program.mjs'), code);
  writeFileSync(join(root, 'index.html'), `<!doctype html><script type="module" src="./${script}"></script>`);
}

/** Fails where a bundle imports from Node. @param {string} bundler @param {string} name of the example @param {readonly string[]} scripts */
export function checkBundle(bundler, name, scripts) {
  const code = scripts.join('\n');
  if (/\b(?:from|import|require)\s*\(?\s*["'`](?:node:|webgpu)/.test(code))
    throw new Error(`${bundler}'s bundle of ${name} imports from Node`);
  const size = (gzipSync(code).length / 1000).toFixed(0);
  console.log(`ok    ${bundler} bundles ${name}: ${size} kB gzipped, nothing of Node inside`);
}

/**
 * Bundles examples as pages, then opens them.
 *
 * @param {string} project
 * @param {string} bundler
 * @param {readonly string[]} names of the examples
 * @param {(root: string, output: string) => Promise<void>} bundle makes `output` of `root/program.mjs`, in the folder `root`
 */
export async function checkPages(project, bundler, names, bundle) {
  const roots = names.map((name) => ({ name, root: join(project, `${bundler}-${name}`) }));
  for (const { name, root } of roots) {
    await writePage(root, name, 'bundle.js');
    await bundle(root, 'bundle.js');
    checkBundle(bundler, name, [readFileSync(join(root, 'bundle.js'), 'utf8')]);
  }
  for (const { name, root } of roots)
    expectMatch(await visit(root), example(name).prints, `Chromium runs ${bundler}'s bundle of ${name}`);
}
