/** Other engines for comparison, installed on demand beside the user's caches: none of them is a dependency of ours. */
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, hasPackages, installPackages } from '@mudpt/testing/installed-packages';

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
  return installPackages(folder, NODE_PACKAGES);
}

/** What the bench page compares with, complete. Installs once (70 MB). */
export const installPagePeers = (): Promise<string> => installPackages(pagePeersFolder(), PAGE_PACKAGES);

/** Whether {@link installPagePeers} has run. */
export const hasPagePeers = (): boolean => hasPackages(pagePeersFolder(), PAGE_PACKAGES);
