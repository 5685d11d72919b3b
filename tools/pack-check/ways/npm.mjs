// npm, by the words of the READMEs: `npm install`, then `npx`.
import { join } from 'node:path';
import { cleanEnvironment, freshFolder, PACKAGES, PROGRAM } from '../fresh.mjs';
import { checkPage } from '../installed.mjs';
import { expectMatch, run } from '../shell.mjs';
import { USED } from '../used.mjs';

/** @type {import('../ways.mjs').Check} */
export async function checkNpm(context) {
  const { url } = await context.registry();
  const folder = freshFolder(context, 'npm');
  const env = cleanEnvironment({
    npm_config_registry: url,
    npm_config_cache: join(context.folder, 'cache-npm'),
    ...{ npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false', npm_config_yes: 'true' },
  });
  await run('npm', ['install', ...PACKAGES], folder, env);
  for (const name of PACKAGES.filter((one) => one !== 'webgpu')) checkPage(join(folder, 'node_modules', name));
  // Whatever npm finds missing, of a wrong version or there for nobody would be said here.
  await run('npm', ['ls', '--all'], folder, env);
  const npx = (/** @type {string[]} */ ...words) => run('npx', words, folder, env);
  expectMatch((await npx('mudpt-launch', 'node', PROGRAM)).trim(), USED, 'npm install, npx mudpt-launch node');
  expectMatch(await npx('mudpt-launch', 'doctor'), /^Chosen: \w+/m, 'npx mudpt-launch doctor');
  const estimate = await npx('mudpt', 'train', '--shots', '1', '--dry-run');
  expectMatch(estimate, /^18 classes, 18 training and 242 test pictures/m, 'npx mudpt train --dry-run');
}
