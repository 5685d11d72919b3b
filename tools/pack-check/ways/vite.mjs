// Vite: every example as a page, in Chromium.
import { join } from 'node:path';
import { build, version } from 'vite';
import { visit } from '../browser.mjs';
import { checkBundle, writePage } from '../pages.mjs';
import { TYPED } from '../project.mjs';
import { example, expectMatch } from '../shell.mjs';

export const viteVersion = version;

/** @type {import('../ways.mjs').Check} */
export async function checkVite(context) {
  const project = await context.project();
  const pages = ['browser.mjs', ...TYPED].map((name) => ({ name, root: join(project, `vite-${name}`) }));
  for (const { name, root } of pages) {
    await writePage(root, name, 'program.mjs');
    const built = await build({ root, configFile: false, logLevel: 'error', build: { target: 'esnext' } });
    const outputs = /** @type {import('vite').Rollup.RollupOutput[]} */ ([built].flat()).flatMap(({ output }) => output);
    checkBundle(
      'Vite',
      name,
      outputs.flatMap((file) => (file.type === 'chunk' ? [file.code] : [])),
    );
  }
  for (const { name, root } of pages)
    expectMatch(await visit(join(root, 'dist')), example(name).prints, `Chromium runs Vite's bundle of ${name}`);
}
