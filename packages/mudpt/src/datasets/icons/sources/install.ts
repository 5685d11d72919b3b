/** Installation of icon sets that do not come with this package, at fixed versions, in a separate folder. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError, writeFileAtomic } from '@mudpt/tensor';
import { COLLECTION } from './collection.ts';
import { packageOf, type Style, STYLES } from './styles.ts';

/** Labels, tags and groups of all concepts (MIT). */
export const EMOJIBASE_VERSION = '17.0.0';

/** All icon sets and emojibase-data, which pretraining needs: see {@link install}. */
export function installIcons(folder: string): Promise<string> {
  return install(folder, { ...versionsOf([...STYLES, ...COLLECTION]), 'emojibase-data': EMOJIBASE_VERSION });
}

/** One icon set: see {@link install}. */
export function installStyle(folder: string, style: Style): Promise<string> {
  return install(folder, versionsOf([style]));
}

const versionsOf = (styles: readonly Pick<Style, 'name' | 'version'>[]): Record<string, string> =>
  Object.fromEntries(styles.map(({ name, version }) => [packageOf(name), version]));

/**
 * Makes sure that packages lie under `folder`/node_modules, and installs them with npm if not.
 * @returns the folder's package.json, to resolve modules from
 * @throws InputError when npm fails, with what it said
 */
async function install(folder: string, wanted: Readonly<Record<string, string>>): Promise<string> {
  const manifest = join(resolve(folder), 'package.json');
  const isThere = ([name, version]: readonly [string, string]): boolean => {
    const about = join(resolve(folder), 'node_modules', name, 'package.json');
    return existsSync(about) && (JSON.parse(readFileSync(about, 'utf8')) as { version?: string }).version === version;
  };
  if (Object.entries(wanted).every(isThere)) return manifest;
  await mkdir(folder, { recursive: true });
  if (!existsSync(manifest))
    await writeFileAtomic('icons', manifest, JSON.stringify({ name: 'icons', private: true }, undefined, 2));
  const packages = Object.entries(wanted).map(([name, version]) => `${name}@${version}`);
  const flags = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--save-exact', ...packages];
  const { status, stderr, error } = spawnSync('npm', flags, {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0)
    throw new InputError(
      'icons',
      `npm could not install ${packages.join(', ')}: ${error?.message ?? stderr}`,
      'check the network',
    );
  return manifest;
}
