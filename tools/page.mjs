#!/usr/bin/env node
// cd packages/NAME && node ../../tools/page.mjs [--restore]
//
// What a tarball has of the repository: LICENSE, NOTICE, and the README as the package's page on npm, whose links must work without
// the repository around it. `pnpm pack` runs it before packing, and with --restore after.
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const COPIED = ['LICENSE', 'NOTICE'];
const KEPT = '.README.source.md';

/** `[text](target)` of Markdown, images too. */
const LINK = /(!?)\[([^\]]*)\]\(([^)\s]+)\)/g;

/**
 * A README as a page on npm: links that stay inside the package are kept, the others lead to the repository, or are text while no
 * repository is declared.
 *
 * @param {string} markdown
 * @param {string} folder of the package, from the root, with forward slashes
 * @param {string | undefined} repository address of a file at the root, ending in /; undefined where none is declared
 * @param {(path: string) => boolean} isPacked whether a path inside the package is in the tarball
 */
export function pageOf(markdown, folder, repository, isPacked) {
  return markdown.replace(LINK, (whole, image, text, target) => {
    if (/^(?:[a-z]+:|#)/i.test(target)) return whole;
    const [path = '', hash] = target.split('#');
    if (!path.startsWith('..') && isPacked(posix.normalize(path))) return whole;
    if (repository === undefined) return text;
    return `${image}[${text}](${repository}${posix.join(folder, path)}${hash === undefined ? '' : `#${hash}`})`;
  });
}

/**
 * The repository's files on the web, from the one place where its address is declared: `repository` of the package.json at the root.
 *
 * @param {{ repository?: { url: string } }} manifest
 */
export function filesOf({ repository }) {
  return repository && `${repository.url.replace(/^git\+/, '').replace(/\.git$/, '')}/blob/HEAD/`;
}

/** @param {string} folder */
function prepare(folder) {
  const readme = join(folder, 'README.md');
  if (existsSync(join(folder, KEPT))) restore(folder); // of a packing that was interrupted
  for (const name of COPIED) copyFileSync(join(ROOT, name), join(folder, name));
  const { files } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const isPacked = (/** @type {string} */ path) => files.includes(path.split('/')[0]) && existsSync(join(folder, path));
  const text = readFileSync(readme, 'utf8');
  copyFileSync(readme, join(folder, KEPT));
  const root = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  writeFileSync(readme, pageOf(text, relative(ROOT, folder).replaceAll(sep, '/'), filesOf(root), isPacked));
}

/** @param {string} folder */
function restore(folder) {
  for (const name of COPIED) rmSync(join(folder, name), { force: true });
  renameSync(join(folder, KEPT), join(folder, 'README.md'));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  (process.argv[2] === '--restore' ? restore : prepare)(process.cwd());
