// A project that needs no network: the tarballs, and for what they depend on the packages that are here.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPage } from './installed.mjs';
import { OUTSIDE } from './pack.mjs';
import { example, pnpm, ROOT } from './shell.mjs';

/** @typedef {import('./pack.mjs').Packed} Packed */

/** Examples in TypeScript: they are checked, run by Node, bundled, and run by a page. */
export const TYPED = ['xor.ts', 'clip.ts', 'learn.ts'];

/** Optional peers of `@mudpt/clip/queue`, whose declarations name their types. */
const QUEUE_PEERS = ['bullmq', 'ioredis'];

/** A command of an installed package. @param {string} project @param {string} name */
export const commandOf = (project, name) => join(project, 'node_modules', '.bin', name);

/**
 * What other packages the packed ones depend on, as the copies that are here.
 *
 * @param {readonly Packed[]} packed
 */
function dependenciesHere(packed) {
  /** @type {Record<string, string>} */
  const links = { webgpu: `link:${join(ROOT, 'node_modules', 'webgpu')}` };
  for (const name of QUEUE_PEERS) links[name] = `link:${join(ROOT, 'packages', 'clip', 'node_modules', name)}`;
  for (const { folder } of packed) {
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies }))
      if (!name.startsWith('@mudpt/')) links[name] = `link:${join(folder, 'node_modules', name)}`;
  }
  return links;
}

/**
 * A project with nothing but the tarballs, and the examples of the READMEs.
 *
 * @param {string} folder
 * @param {readonly Packed[]} packed
 * @param {Packed} outside a package outside of the repository
 * @returns {Promise<string>} the folder
 */
export async function makeProject(folder, packed, outside) {
  mkdirSync(folder);
  const files = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
  const links = dependenciesHere(packed);
  const manifest = {
    private: true,
    type: 'module',
    dependencies: {
      ...files,
      [OUTSIDE]: `file:${outside.tarball}`,
      ...Object.fromEntries(['webgpu', ...QUEUE_PEERS].map((name) => [name, links[name]])),
    },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(
    join(folder, 'pnpm-workspace.yaml'),
    `overrides:\n${Object.entries({ ...links, ...files })
      .map(([name, place]) => `  '${name}': '${place}'\n`)
      .join('')}`,
  );
  await pnpm(['install', '--offline', '--ignore-scripts'], folder);
  console.log('ok    the tarballs install');
  for (const { name } of packed) checkPage(join(folder, 'node_modules', name));
  console.log('ok    every package has its licence, notice and page, and no link of a page is dead');
  for (const name of TYPED) writeFileSync(join(folder, name), example(name).program);
  return folder;
}
