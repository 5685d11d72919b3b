#!/usr/bin/env node
// pnpm pack:check [WAY...] [--local] [--complete] [--list] [--tarballs FOLDER]
//
// Packs the packages that other projects use and uses them as those projects would, in each of the ways of ways.mjs or in those named. Ways that need a
// registry of npm packages or a browser that is not here are named as not checked at the end; where they were asked for by name, or with --complete, that
// is a failure. --local leaves out those that need a registry; --list shows all; --tarballs takes the tarballs of an earlier run, which it left there.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PUBLISHED } from '../release.mjs';
import { packCache } from './fetched.mjs';
import { NotChecked } from './not-checked.mjs';
import { pack, packedBefore, packOutside } from './pack.mjs';
import { makeProject } from './project.mjs';
import { openRegistry } from './registry.mjs';
import { allOf } from './shell.mjs';
import { WAYS } from './ways.mjs';

const { values: options, positionals: names } = parseArgs({
  options: { local: { type: 'boolean' }, complete: { type: 'boolean' }, list: { type: 'boolean' }, tarballs: { type: 'string' } },
  allowPositionals: true,
});
const unknown = names.filter((name) => !WAYS.some((way) => way.name === name));
if (unknown.length > 0) {
  console.error(`pack:check: there is no way ${unknown.join(', ')}; there are ${WAYS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}
if (options.list) {
  for (const { name, does, version, online } of WAYS)
    console.log(`${name.padEnd(14)}${version().padEnd(34)}${does}${online ? '' : ' (local)'}`);
  process.exit(0);
}
const chosen = WAYS.filter(({ name, online }) => (names.length > 0 ? names.includes(name) : !(options.local && online)));

/** Made once, where somebody asks for it. @template T @param {() => Promise<T>} make @returns {() => Promise<T>} */
function once(make) {
  /** @type {Promise<T> | undefined} */
  let made;
  return () => (made ??= make());
}

/** @type {string[]} */
const checked = [];
/** @type {string[]} */
const notChecked = [];

/** @param {import('./ways.mjs').Way} way @param {import('./ways.mjs').Context} context */
async function check({ name, version, check: carryOut }, context) {
  try {
    await carryOut(context);
    checked.push(`${name} (${version()})`);
  } catch (error) {
    if (!(error instanceof NotChecked))
      throw new Error(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
    notChecked.push(`${name}: ${error.message}`);
  }
}

const folder = mkdtempSync(join(tmpdir(), 'mudpt-pack-'));
/** @type {import('./registry.mjs').Registry[]} */
const opened = [];
const packed = once(async () => {
  const to = options.tarballs ? resolve(options.tarballs) : folder;
  mkdirSync(to, { recursive: true });
  return packedBefore(PUBLISHED, to) ?? Promise.all(PUBLISHED.map((name) => pack(name, to)));
});
const context = {
  folder,
  packed,
  project: once(async () => makeProject(join(folder, 'project'), await packed(), await packOutside(folder))),
  registry: once(async () => {
    mkdirSync(packCache(), { recursive: true });
    opened.push(await openRegistry(await packed(), packCache()));
    return /** @type {import('./registry.mjs').Registry} */ (opened[0]);
  }),
};
try {
  await packed();
  const waiting = [...chosen];
  const work = async () => {
    for (let way = waiting.shift(); way; way = waiting.shift()) await check(way, context);
  };
  await allOf(Array.from({ length: Math.min(4, availableParallelism()) }, work));
  console.log(`checked: ${checked.join(', ')}`);
  for (const reason of notChecked) console.log(`not checked: ${reason}`);
  if (notChecked.length > 0 && (options.complete || names.length > 0)) process.exitCode = 1;
} finally {
  for (const registry of opened) registry.close();
  rmSync(folder, { recursive: true, force: true });
}
