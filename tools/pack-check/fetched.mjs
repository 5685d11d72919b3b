// What only some checks need and npm fetches for them once, at exact versions, into the user's cache. No install script runs.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheFolder, installPackages } from '../../packages/testing/src/installed-packages.ts';
import { NotChecked } from './not-checked.mjs';

/** The one place where versions are declared; the first package of each is what a check is named for. */
export const FETCHED = /** @type {const} */ ({
  yarn: { yarn: '1.22.22' },
  berry: { '@yarnpkg/cli-dist': '4.18.1' },
  bun: { bun: '1.4.5' },
  deno: { deno: '2.9.6' },
  webpack: { webpack: '5.113.0' },
  rollup: { rollup: '4.64.0', '@rollup/plugin-node-resolve': '16.0.3' },
});

/** @typedef {keyof typeof FETCHED} Fetched */

/** Where this check keeps what it fetched. */
export const packCache = () => join(cacheFolder(), 'pack-check');

/** @param {Fetched} name @returns {Promise<string>} its folder, with node_modules @throws {NotChecked} */
async function fetchPackages(name) {
  const packages = FETCHED[name];
  const [[first, version] = ['', '']] = Object.entries(packages);
  try {
    return await installPackages(join(packCache(), `${first.replace('/', '+')}-${version}`), packages);
  } catch (error) {
    throw new NotChecked(`${first} ${version} cannot be fetched: ${error instanceof Error ? error.message : error}`);
  }
}

/** A script that Node runs. @param {Fetched} name @param {string} path inside node_modules @returns {Promise<string>} */
export const fetchScript = async (name, path) => join(await fetchPackages(name), 'node_modules', path);

/** A module, imported. @param {Fetched} name @param {string} module @returns {Promise<any>} */
export async function fetchModule(name, module) {
  const require = createRequire(join(await fetchPackages(name), 'package.json'));
  return import(pathToFileURL(require.resolve(module)).href);
}

/**
 * A program in machine code, of which npm installs a package for each kind of this platform (other C library, older processor): the first that runs.
 *
 * @param {'bun' | 'deno'} name
 * @param {string} scope of these packages
 * @param {string} path of the program in them
 * @returns {Promise<string>}
 */
export async function fetchProgram(name, scope, path) {
  const folder = join(await fetchPackages(name), 'node_modules', scope);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const runs = readdirSync(folder)
    .map((one) => join(folder, one, `${path}${suffix}`))
    .find((file) => {
      try {
        return execFileSync(file, ['--version'], { encoding: 'utf8', stdio: 'pipe' }) !== '';
      } catch {
        return false; // for another C library, or a newer processor
      }
    });
  if (!runs) throw new NotChecked(`no ${name} in ${folder} runs on this machine`);
  return runs;
}
