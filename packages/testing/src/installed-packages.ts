/** Packages of npm that only a benchmark or a check needs: installed on demand in the user's cache, none of them a dependency. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Names and exact versions. */
export type Packages = Readonly<Record<string, string>>;

/** Where the project keeps what outlives its folder. */
export const cacheFolder = (): string => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mudpt');

/** Whether {@link installPackages} has run. */
export const hasPackages = (folder: string, packages: Packages): boolean => existsSync(markOf(folder, manifestOf(packages)));

/** The folder, complete. Installs once. No install script runs: one would download from elsewhere. */
export async function installPackages(folder: string, packages: Packages): Promise<string> {
  const manifest = manifestOf(packages);
  if (existsSync(markOf(folder, manifest))) return folder;
  console.warn(`installing ${Object.keys(packages).join(', ')} in ${folder} (once)`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), manifest);
  await new Promise<void>((resolve, reject) => {
    const npm = spawn('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
    npm.on('error', reject);
    npm.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`npm install ended with ${code} in ${folder}`))));
  });
  writeFileSync(markOf(folder, manifest), '');
  return folder;
}

const manifestOf = (dependencies: Packages): string => JSON.stringify({ private: true, type: 'module', dependencies });
const markOf = (folder: string, manifest: string): string => join(folder, `${hash(manifest)}.installed`);

function hash(text: string): string {
  let state = 5381;
  for (const character of text) state = (Math.imul(state, 33) ^ character.charCodeAt(0)) >>> 0;
  return state.toString(16);
}
