#!/usr/bin/env node
// node tools/release.mjs 0.2.0
//
// Prepares a release: every published package gets the version, and what CHANGELOG.md has under "Unreleased" becomes its section.
// docs/releasing.md says which version a change asks for.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** What is published, in the order of dependence. All carry one version. */
export const PUBLISHED = ['shaders', 'packages/tensor', 'packages/autograd', 'packages/onnx', 'packages/clip', 'packages/mudpt'];

const UNRELEASED = '## [Unreleased]\n';
const at = (/** @type {string} */ path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** @param {string} text @returns {number[]} the three numbers of a version */
function parse(text) {
  const parts = /^(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (!parts) throw new Error(`'${text}' is no version: give three numbers, such as 0.2.0`);
  return parts.slice(1).map(Number);
}

/**
 * The changelog with a section for the version.
 *
 * @param {string} changelog
 * @param {string} version
 * @param {string} date such as 2026-01-31
 */
export function released(changelog, version, date) {
  const [before, after] = changelog.split(UNRELEASED);
  if (after === undefined) throw new Error(`CHANGELOG.md has no line "${UNRELEASED.trim()}"`);
  const notes = after.split(/^## \[/m)[0] ?? '';
  if (!/^- /m.test(notes)) throw new Error('CHANGELOG.md has nothing under "Unreleased": there is nothing to release');
  return `${before}${UNRELEASED}\n## [${version}] - ${date}\n${after}`;
}

/**
 * Whether a version follows another as docs/releasing.md has it: one step of one of the numbers, the later ones zero.
 *
 * @param {string} before
 * @param {string} next
 */
export function follows(before, next) {
  const [major = 0, minor = 0, patch = 0] = parse(before);
  parse(next);
  return [`${major + 1}.0.0`, `${major}.${minor + 1}.0`, `${major}.${minor}.${patch + 1}`].includes(next);
}

/** @param {string} version */
function release(version) {
  const manifests = PUBLISHED.map((folder) => at(`${folder}/package.json`));
  const texts = manifests.map((path) => readFileSync(path, 'utf8'));
  const versions = new Set(texts.map((text) => JSON.parse(text).version));
  const [before] = versions;
  if (versions.size !== 1) throw new Error(`the packages have different versions: ${[...versions].join(', ')}`);
  if (!follows(before, version)) throw new Error(`${version} does not follow ${before}`);
  const path = at('CHANGELOG.md');
  writeFileSync(path, released(readFileSync(path, 'utf8'), version, new Date().toISOString().slice(0, 10)));
  for (const [index, manifest] of manifests.entries())
    writeFileSync(manifest, (texts[index] ?? '').replace(`"version": "${before}"`, `"version": "${version}"`));
  console.log(`${before} -> ${version}: commit, tag v${version}, push the tag`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) release(process.argv[2] ?? '');
