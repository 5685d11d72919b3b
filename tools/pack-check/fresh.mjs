// An empty folder in which a package manager installs the packages from the registry of this check, as a reader of the READMEs would.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { writeSquare } from './used.mjs';
import { ROOT } from './shell.mjs';

/** What is installed: all packages by name, and Dawn. */
export const PACKAGES = ['mudpt', '@mudpt/clip', '@mudpt/onnx', '@mudpt/autograd', '@mudpt/tensor', 'webgpu'];

/** The program that is run. */
export const PROGRAM = 'use.mjs';

/**
 * @param {import('./ways.mjs').Context} context
 * @param {string} name
 * @param {Readonly<Record<string, unknown>>} [manifest] more of the package.json
 * @returns {string} the folder
 */
export function freshFolder(context, name, manifest = {}) {
  const folder = join(context.folder, name);
  mkdirSync(folder);
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: `uses-${name}`, private: true, type: 'module', ...manifest }),
  );
  cpSync(join(ROOT, 'tools', 'pack-check', 'programs', PROGRAM), join(folder, PROGRAM));
  writeSquare(folder);
  return folder;
}

/** Variables of package managers, which tell of this repository. */
const TOLD = /^(?:npm_|pnpm_|yarn_|bun_|deno_|node_path$|node_options$|init_cwd$)/i;

/**
 * The environment of a reader: nothing of the package manager that started this check, none of the commands of this repository.
 *
 * @param {Readonly<Record<string, string>>} more
 * @returns {NodeJS.ProcessEnv}
 */
export function cleanEnvironment(more) {
  const kept = Object.entries(process.env).filter(([name]) => !TOLD.test(name) && name.toUpperCase() !== 'PATH');
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return { ...Object.fromEntries(kept), PATH: path.join(delimiter), ...more };
}
