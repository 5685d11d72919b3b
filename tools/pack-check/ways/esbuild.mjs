// esbuild: the copy that comes with Vite.
import { writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { checkPages } from '../pages.mjs';

const esbuild = createRequire(createRequire(import.meta.url).resolve('vite'))('esbuild');

/** @type {string} */
export const esbuildVersion = esbuild.version;

/**
 * @param {string} file
 * @param {string} outfile
 * @returns {Promise<Uint8Array>} the script
 */
export async function bundleByEsbuild(file, outfile) {
  const { outputFiles } = await esbuild.build({
    ...{ entryPoints: [file], outfile, bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022' },
    ...{ write: false, logLevel: 'error' },
  });
  return outputFiles[0].contents;
}

/** @type {import('../ways.mjs').Check} */
export async function checkEsbuild(context) {
  await checkPages(await context.project(), 'esbuild', ['browser.mjs', 'learn.ts'], async (root, output) => {
    const file = join(root, output);
    await writeFile(file, await bundleByEsbuild(join(root, 'program.mjs'), file));
  });
}
