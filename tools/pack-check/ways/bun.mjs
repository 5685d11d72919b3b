// Bun: its package manager, and its own JavaScript engine with Dawn.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fetchProgram } from '../fetched.mjs';
import { cleanEnvironment, freshFolder, PACKAGES, PROGRAM } from '../fresh.mjs';
import { example, expectMatch, run } from '../shell.mjs';
import { USED } from '../used.mjs';

/** @type {import('../ways.mjs').Check} */
export async function checkBun(context) {
  const bun = await fetchProgram('bun', '@oven', join('bin', 'bun'));
  const { url } = await context.registry();
  const folder = freshFolder(context, 'bun');
  const env = cleanEnvironment({ BUN_CONFIG_REGISTRY: url, BUN_INSTALL_CACHE_DIR: join(context.folder, 'cache-bun') });
  env['PATH'] = [dirname(bun), env['PATH']].join(':');
  await run(bun, ['add', ...PACKAGES], folder, env);
  const launched = await run(bun, ['x', 'mudpt-launch', 'bun', PROGRAM], folder, env);
  expectMatch(launched.trim(), USED, 'bun add, bunx mudpt-launch bun');
  // TypeScript, without a step before it.
  const { program, prints } = example('xor.ts');
  writeFileSync(join(folder, 'xor.ts'), program);
  expectMatch((await run(bun, ['x', 'mudpt-launch', 'bun', 'xor.ts'], folder, env)).trim(), prints, 'Bun runs xor.ts');
}
