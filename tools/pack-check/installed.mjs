// What every installed package must have with it.
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** Licence, notice and page of an installed package. @param {string} folder */
export function checkPage(folder) {
  const read = (/** @type {string} */ name) => readFileSync(join(folder, name), 'utf8');
  if (!read('LICENSE').includes('MIT License')) throw new Error(`${folder} has no licence`);
  for (const needed of ['OpenAI', 'CLDR', 'LGPL-3.0-or-later'])
    if (!read('NOTICE').includes(needed)) throw new Error(`the notice of ${folder} does not name ${needed}`);
  const { description, keywords } = JSON.parse(read('package.json'));
  if (!description || !(keywords?.length > 0)) throw new Error(`${folder}/package.json has no description or keywords`);
  const page = read('README.md');
  for (const [, target = ''] of page.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^(?:https:|#)/.test(target)) continue;
    const path = join(folder, target.split('#')[0] ?? '');
    if (relative(folder, path).startsWith('..') || !existsSync(path))
      throw new Error(`${folder}/README.md links to ${target}, not in the tarball`);
  }
}
