#!/usr/bin/env node
// node tools/manifests.mjs [--check]
//
// Carries the address of the repository from the package.json at the root, the one place where it is declared, into what is published.
// With --check it writes nothing and fails where a release would: no address, or packages that say something else.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PUBLISHED } from './release.mjs';
import { filesOf } from './page.mjs';

const at = (/** @type {string} */ folder) => fileURLToPath(new URL(`../${folder}/package.json`, import.meta.url));

/**
 * A package's manifest with the fields that follow from the repository's address, or without them where there is none.
 *
 * @param {Record<string, unknown>} manifest
 * @param {string} folder of the package
 * @param {{ type: string, url: string } | undefined} repository
 * @returns {Record<string, unknown>}
 */
export function withRepository(manifest, folder, repository) {
  const { repository: _, homepage: __, bugs: ___, ...rest } = manifest;
  if (!repository) return rest;
  const files = filesOf({ repository }) ?? '';
  const base = files.replace(/\/blob\/HEAD\/$/, '');
  const links = {
    repository: { ...repository, directory: folder },
    homepage: `${files}${folder}`,
    bugs: { url: `${base}/issues` },
  };
  return { ...rest, ...links };
}

/** @param {boolean} isCheck */
function main(isCheck) {
  const { repository } = JSON.parse(readFileSync(fileURLToPath(new URL('../package.json', import.meta.url)), 'utf8'));
  if (isCheck && !repository)
    throw new Error(
      'no repository is declared: give package.json at the root `"repository": { "type": "git", "url": ... }`, then run pnpm manifests',
    );
  for (const folder of PUBLISHED) {
    const text = readFileSync(at(folder), 'utf8');
    const next = `${JSON.stringify(withRepository(JSON.parse(text), folder, repository), null, 2)}\n`;
    if (next === text) continue;
    if (isCheck) throw new Error(`${folder}/package.json does not say the repository's address: run pnpm manifests`);
    writeFileSync(at(folder), next);
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) main(process.argv[2] === '--check');
