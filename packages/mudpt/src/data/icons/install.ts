/** Fetches what only pretraining needs, at fixed versions, into a folder of its own. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FormatError } from '@mudpt/tensor';
import { packageOf, STYLES } from './styles.ts';

/** Labels, tags and groups of all concepts (MIT). */
export const EMOJIBASE_VERSION = '17.0.0';

/**
 * Makes sure that all icon sets and emojibase-data lie under `folder`/node_modules, and installs them with npm if not.
 * @returns the folder's package.json, to resolve modules from
 * @throws FormatError when npm fails, with what it said
 */
export async function installIcons(folder: string): Promise<string> {
  const manifest = join(resolve(folder), 'package.json');
  const dependencies = {
    ...Object.fromEntries(STYLES.map(({ name, version }) => [packageOf(name), version])),
    'emojibase-data': EMOJIBASE_VERSION,
  };
  const there = (name: string): boolean => existsSync(join(resolve(folder), 'node_modules', name, 'package.json'));
  if (Object.keys(dependencies).every(there)) return manifest;
  await mkdir(folder, { recursive: true });
  await writeFile(manifest, JSON.stringify({ name: 'icons', private: true, dependencies }, undefined, 2));
  const flags = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  const { status, stderr, error } = spawnSync('npm', flags, {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0)
    throw new FormatError('pretrain', `npm could not install the icon sets: ${error?.message ?? stderr}`, 'check the network');
  return manifest;
}
