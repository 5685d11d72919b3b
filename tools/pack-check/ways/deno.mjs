// Deno: its package manager, its compiler, and its WebGPU (wgpu): Dawn is not installed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchProgram } from '../fetched.mjs';
import { cleanEnvironment, freshFolder, PACKAGES, PROGRAM } from '../fresh.mjs';
import { example, expectMatch, run } from '../shell.mjs';
import { USED } from '../used.mjs';

/** @type {import('../ways.mjs').Check} */
export async function checkDeno(context) {
  const deno = await fetchProgram('deno', '@deno', 'deno');
  const { url } = await context.registry();
  const folder = freshFolder(context, 'deno');
  const env = cleanEnvironment({ NPM_CONFIG_REGISTRY: url, DENO_DIR: join(context.folder, 'cache-deno'), NO_COLOR: '1' });
  await run(deno, ['add', ...PACKAGES.filter((name) => name !== 'webgpu').map((name) => `npm:${name}`)], folder, env);
  expectMatch((await run(deno, ['run', '--allow-all', PROGRAM], folder, env)).trim(), USED, 'deno add, deno run');
  const { program, prints } = example('xor.ts');
  writeFileSync(join(folder, 'xor.ts'), program);
  await run(deno, ['check', 'xor.ts'], folder, env);
  console.log('ok    deno check xor.ts');
  expectMatch((await run(deno, ['run', '--allow-all', 'xor.ts'], folder, env)).trim(), prints, 'Deno runs xor.ts');
}
