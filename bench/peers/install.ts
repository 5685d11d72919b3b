/** Other engines for comparison, installed on demand beside the user's caches: none of them is a dependency of ours. */
import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const JAX = '0.1.25';
const TFJS = '4.22.0';
const ORT = '1.30.0';
/** As rows of results name them. */
export const NAMES = { jax: `jax-js ${JAX}`, tfjs: `tfjs ${TFJS}`, ort: `ORT ${ORT}` } as const;

/** Packages of processes that peers run in. */
const NODE_PACKAGES = {
  '@jax-js/jax': JAX,
  '@tensorflow/tfjs': TFJS,
  '@tensorflow/tfjs-backend-webgpu': TFJS,
  'core-js': '3.46.0',
  'onnxruntime-node': ORT,
  webgpu: '0.6.2',
};
/** Packages that a page is built of. */
const PAGE_PACKAGES = {
  '@jax-js/jax': JAX,
  '@tensorflow/tfjs-core': TFJS,
  '@tensorflow/tfjs-backend-cpu': TFJS,
  '@tensorflow/tfjs-backend-webgpu': TFJS,
};

const cacheFolder = (): string => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'mudpt');
/** Where the peers are installed, if they are. */
export const peersFolder = (): string => join(cacheFolder(), 'peers');
/** The same for the page's bench. */
export const pagePeersFolder = (): string => join(cacheFolder(), 'page-peers');

/** The folder of the peers, complete. Installs once (some 700 MB, nearly all of it ONNX Runtime). */
export async function installPeers(): Promise<string> {
  const folder = peersFolder();
  mkdirSync(folder, { recursive: true });
  const here = fileURLToPath(new URL('.', import.meta.url));
  for (const file of readdirSync(here).filter((name) => name.endsWith('.mjs')))
    copyFileSync(join(here, file), join(folder, file));
  return install(folder, NODE_PACKAGES);
}

/** What the bench page compares with, complete. Installs once (70 MB). */
export const installPagePeers = (): Promise<string> => install(pagePeersFolder(), PAGE_PACKAGES);

/** Whether {@link installPagePeers} has run. */
export const hasPagePeers = (): boolean => existsSync(markOf(pagePeersFolder(), manifestOf(PAGE_PACKAGES)));

const manifestOf = (dependencies: Readonly<Record<string, string>>): string =>
  JSON.stringify({ private: true, type: 'module', dependencies });
const markOf = (folder: string, manifest: string): string => join(folder, `${hash(manifest)}.installed`);

/** No install script runs: one would download from elsewhere. */
async function install(folder: string, packages: Readonly<Record<string, string>>): Promise<string> {
  const manifest = manifestOf(packages);
  if (existsSync(markOf(folder, manifest))) return folder;
  console.warn(`installing the peers in ${folder} (once)`);
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

function hash(text: string): string {
  let state = 5381;
  for (const character of text) state = (Math.imul(state, 33) ^ character.charCodeAt(0)) >>> 0;
  return state.toString(16);
}
