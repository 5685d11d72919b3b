// Rollup with the plugin that finds packages, as a library's author has it.
import { join } from 'node:path';
import { fetchModule } from '../fetched.mjs';
import { checkPages } from '../pages.mjs';

/** @type {import('../ways.mjs').Check} */
export async function checkRollup(context) {
  const { rollup } = await fetchModule('rollup', 'rollup');
  const { nodeResolve } = await fetchModule('rollup', '@rollup/plugin-node-resolve');
  await checkPages(await context.project(), 'Rollup', ['browser.mjs', 'learn.ts'], async (root, output) => {
    const input = join(root, 'program.mjs');
    const bundle = await rollup({
      input,
      plugins: [nodeResolve({ browser: true })],
      // A package that is not found would be left to the page.
      onwarn: (/** @type {{ code: string, message: string }} */ { code, message }) => {
        if (/UNRESOLVED|MISSING/.test(code)) throw new Error(`Rollup: ${message}`);
      },
    });
    await bundle.write({ file: join(root, output), format: 'es', inlineDynamicImports: true });
    await bundle.close();
  });
}
