// yarn: classic; berry with a folder node_modules, and with Plug'n'Play, where packages stay in archives.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchScript } from '../fetched.mjs';
import { cleanEnvironment, freshFolder, PACKAGES, PROGRAM } from '../fresh.mjs';
import { expectMatch, run } from '../shell.mjs';
import { USED } from '../used.mjs';

/** What berry is told in a file. Both caches end with the check: what berry remembers of a registry names its port. @param {string} url of the registry @param {string} cache @param {string} linker */
const berrySettings = (url, cache, linker) => `nodeLinker: ${linker}
npmRegistryServer: '${url}'
unsafeHttpWhitelist: ['127.0.0.1']
enableGlobalCache: false
cacheFolder: '${cache}'
globalFolder: '${cache}-global'
enableTelemetry: false
enableImmutableInstalls: false
`;

/** @param {string} title @param {string} script of yarn @param {string} folder @param {NodeJS.ProcessEnv} env */
async function use(title, script, folder, env) {
  const yarn = (/** @type {string[]} */ ...words) => run(process.execPath, [script, ...words], folder, env);
  await yarn('add', ...PACKAGES);
  expectMatch((await yarn('run', 'use')).trim(), USED, `${title}: yarn add, mudpt-launch node`);
  expectMatch(await yarn('run', 'adapters'), /^Chosen: \w+/m, `${title}: mudpt-launch doctor`);
  expectMatch(
    await yarn('run', 'estimate'),
    /^18 classes, 18 training and 242 test pictures/m,
    `${title}: mudpt train --dry-run`,
  );
}

const scripts = {
  use: `mudpt-launch node ${PROGRAM}`,
  adapters: 'mudpt-launch doctor',
  estimate: 'mudpt train --shots 1 --dry-run',
};

/** @type {import('../ways.mjs').Check} */
export async function checkYarnClassic(context) {
  const script = await fetchScript('yarn', 'yarn/bin/yarn.js');
  const { url } = await context.registry();
  const folder = freshFolder(context, 'yarn-classic', { scripts });
  const cache = join(context.folder, 'cache-yarn-classic');
  const env = cleanEnvironment({ npm_config_registry: url, YARN_REGISTRY: url, YARN_CACHE_FOLDER: cache, YARN_SILENT: '1' });
  await use('yarn classic', script, folder, env);
}

/** @param {'node-modules' | 'pnp'} linker @returns {import('../ways.mjs').Check} */
const checkBerry = (linker) => async (context) => {
  const script = await fetchScript('berry', '@yarnpkg/cli-dist/bin/yarn.js');
  const { url } = await context.registry();
  const folder = freshFolder(context, `yarn-${linker}`, { scripts });
  writeFileSync(join(folder, '.yarnrc.yml'), berrySettings(url, join(context.folder, `cache-${linker}`), linker));
  // A lockfile says that the folder is a project of its own.
  writeFileSync(join(folder, 'yarn.lock'), '');
  await use(`yarn berry, ${linker}`, script, folder, cleanEnvironment({}));
};

export const checkYarn = checkBerry('node-modules');
export const checkYarnPnp = checkBerry('pnp');
