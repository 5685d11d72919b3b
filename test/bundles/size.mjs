// What small programs weigh in a page: minified and gzipped, with all they import.
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

/** Programs of this folder, and the most they may weigh, in bytes. */
export const BUDGETS = { 'pointwise.mjs': 21_500, 'three-ops.mjs': 37_900, 'mlp.mjs': 59_500 };

/** @param {string} root of the project @param {string} file @returns {Promise<number>} bytes as Vite (Rollup) bundles it */
export async function bundledSize(root, file) {
  const built = await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: { write: false, minify: true, target: 'esnext', rollupOptions: { input: file } },
  });
  const outputs = [built].flat().flatMap((one) => ('output' in one ? one.output : []));
  return outputs.reduce((sum, one) => sum + gzipSync('code' in one ? one.code : one.source, { level: 9 }).byteLength, 0);
}
