/** Other engines that the bench page runs beside ours, built in as chunks of their own where they are installed (`--peers` installs them). */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';
import { hasPagePeers, NAMES, pagePeersFolder } from '../../../bench/peers/install.ts';

const NAME = 'virtual:peers';
const JOBS = fileURLToPath(new URL('../../../bench/peers', import.meta.url));
/** How their files are named, by which others leave them out. */
export const PEER_FILES = 'peer-';

const program = (): string => `export const peers = [
  {
    name: ${JSON.stringify(NAMES.jax)},
    open: async () => {
      const [jax, { jaxJobs }] = await Promise.all([import('@jax-js/jax'), import(${JSON.stringify(join(JOBS, 'jax-jobs.mjs'))})]);
      await jax.init('webgpu');
      jax.defaultDevice('webgpu');
      return jaxJobs(jax);
    },
  },
  {
    name: ${JSON.stringify(NAMES.tfjs)},
    open: async () => {
      const [tf, , { tfjsJobs }] = await Promise.all([
        import('@tensorflow/tfjs-core'),
        import('@tensorflow/tfjs-backend-webgpu'),
        import(${JSON.stringify(join(JOBS, 'tfjs-jobs.mjs'))}),
      ]);
      await tf.setBackend('webgpu');
      await tf.ready();
      return tfjsJobs(tf);
    },
  },
];`;

const absent = (): string => `export const peers = ${JSON.stringify([{ name: NAMES.jax }, { name: NAMES.tfjs }])};`;

/** `import { peers } from 'virtual:peers'`: their names, and how each is opened where it is built in. */
export function peers(): Plugin {
  let isBuilt = false;
  return {
    name: 'studio-peers',
    configResolved({ command }) {
      isBuilt = command === 'build';
    },
    resolveId(id, importer) {
      if (id === NAME) return `\0${NAME}`;
      return importer === `\0${NAME}` && id.startsWith('@')
        ? this.resolve(id, join(pagePeersFolder(), 'package.json'))
        : undefined;
    },
    load: (id) => (id === `\0${NAME}` ? (isBuilt && hasPagePeers() ? program() : absent()) : undefined),
  };
}

/** Whether a chunk is of peers alone. */
export function isOfPeers(modules: readonly string[]): boolean {
  // Beside files there are helpers that bundlers write.
  const files = modules.filter((id) => !id.startsWith('\0') && !id.startsWith('__vite-browser-external'));
  return files.length > 0 && files.every((id) => id.startsWith(pagePeersFolder()) || id.startsWith(JOBS));
}
