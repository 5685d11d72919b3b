// Every way of use that is checked.
import { FETCHED } from './fetched.mjs';
import { checkBun } from './ways/bun.mjs';
import { checkDeno } from './ways/deno.mjs';
import { checkEsbuild, esbuildVersion } from './ways/esbuild.mjs';
import { checkNode } from './ways/node.mjs';
import { checkNpm } from './ways/npm.mjs';
import { checkPlugin } from './ways/plugin.mjs';
import { checkRollup } from './ways/rollup.mjs';
import { checkSmall } from './ways/small.mjs';
import { checkTypes, compilerVersions } from './ways/types.mjs';
import { checkVite, viteVersion } from './ways/vite.mjs';
import { checkWebpack } from './ways/webpack.mjs';
import { checkYarn, checkYarnClassic, checkYarnPnp } from './ways/yarn.mjs';

/**
 * @typedef {object} Context
 * @property {string} folder for what the ways make; removed at the end
 * @property {() => Promise<readonly import('./pack.mjs').Packed[]>} packed the tarballs
 * @property {() => Promise<string>} project a folder in which they are installed, without network
 * @property {() => Promise<import('./registry.mjs').Registry>} registry one that has them
 */
/** @typedef {(context: Context) => Promise<void>} Check */
/**
 * @typedef {object} Way
 * @property {string} name by which it is asked for
 * @property {string} does
 * @property {() => string} version what it is checked with
 * @property {boolean} online whether it needs a registry of npm packages
 * @property {Check} check
 */

const node = () => `Node ${process.versions.node}`;

/** @type {readonly Way[]} */
export const WAYS = [
  {
    name: 'node',
    does: 'examples of the READMEs, commands, two copies of the engine',
    version: node,
    online: false,
    check: checkNode,
  },
  { name: 'plugin', does: 'a method and a data set of another package', version: node, online: false, check: checkPlugin },
  {
    name: 'types',
    does: 'a plain strict program, libraries checked too',
    version: () => `TypeScript ${compilerVersions().join(', ')}`,
    online: false,
    check: checkTypes,
  },
  { name: 'vite', does: 'four pages in Chromium', version: () => `Vite ${viteVersion}`, online: false, check: checkVite },
  {
    name: 'esbuild',
    does: 'two pages in Chromium',
    version: () => `esbuild ${esbuildVersion}`,
    online: false,
    check: checkEsbuild,
  },
  {
    name: 'small',
    does: 'what small programs weigh',
    version: () => `Vite ${viteVersion}, esbuild ${esbuildVersion}`,
    online: false,
    check: checkSmall,
  },
  {
    name: 'rollup',
    does: 'two pages in Chromium',
    version: () => `Rollup ${FETCHED.rollup.rollup}`,
    online: true,
    check: checkRollup,
  },
  {
    name: 'webpack',
    does: 'two pages in Chromium, what small programs weigh',
    version: () => `webpack ${FETCHED.webpack.webpack}`,
    online: true,
    check: checkWebpack,
  },
  { name: 'npm', does: 'npm install, npx', version: () => 'npm of this Node', online: true, check: checkNpm },
  {
    name: 'yarn-classic',
    does: 'yarn add, yarn run',
    version: () => `yarn ${FETCHED.yarn.yarn}`,
    online: true,
    check: checkYarnClassic,
  },
  {
    name: 'yarn',
    does: 'yarn add, yarn run, with a folder node_modules',
    version: () => `yarn ${FETCHED.berry['@yarnpkg/cli-dist']}`,
    online: true,
    check: checkYarn,
  },
  {
    name: 'yarn-pnp',
    does: "the same with Plug'n'Play",
    version: () => `yarn ${FETCHED.berry['@yarnpkg/cli-dist']}`,
    online: true,
    check: checkYarnPnp,
  },
  { name: 'bun', does: 'bun add, bunx, TypeScript', version: () => `Bun ${FETCHED.bun.bun}`, online: true, check: checkBun },
  {
    name: 'deno',
    does: 'deno add, deno run, deno check',
    version: () => `Deno ${FETCHED.deno.deno}`,
    online: true,
    check: checkDeno,
  },
];
