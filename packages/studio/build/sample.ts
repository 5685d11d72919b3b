/** The sample that comes with the page: drawn icons of things that the embedded model never saw, as a zip of class folders. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import { openDataset } from 'mudpt';
import type { Plugin } from 'vite';

const NAME = 'virtual:sample';
const CACHE = fileURLToPath(new URL('../../../.cache/studio', import.meta.url));
/** The classes with most drawings, so many of them. */
const CLASSES = 10;
/** Images of a class at most. */
const COUNT = 32;
/** The same bytes at every build. */
const DATE = new Date('2024-01-01T00:00:00Z');

async function makeSample(): Promise<Uint8Array> {
  const { classNames, splits } = await openDataset('icons', { root: CACHE });
  const all = [...splits.train, ...splits.val, ...splits.test];
  const zip = new ZipWriter(new Uint8ArrayWriter(), { level: 0, lastModDate: DATE, useWebWorkers: false });
  const groups = classNames.map((name, label) => ({ name, items: all.filter((item) => item.label === label) }));
  const largest = groups.sort((a, b) => b.items.length - a.items.length || (a.name < b.name ? -1 : 1)).slice(0, CLASSES);
  for (const { name, items } of largest.sort((a, b) => (a.name < b.name ? -1 : 1)))
    for (const { id, image } of items.slice(0, COUNT)) {
      // Of one thing there are drawings by several hands: HAND/THING.png.
      const file = id.split('/').slice(-2).join('-');
      await zip.add(`${name}/${file}`, new Uint8ArrayReader(await readFile(String(image))));
    }
  return zip.close();
}

/** `import address from 'virtual:sample'`: where the zip lies. */
export function sample(): Plugin {
  let made: Promise<Uint8Array> | undefined;
  let isServed = false;
  return {
    name: 'studio-sample',
    configResolved({ command }) {
      isServed = command === 'serve';
    },
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    async load(id) {
      if (id !== `\0${NAME}`) return undefined;
      if (isServed) return `export default '/sample.zip';`;
      const file = this.emitFile({ type: 'asset', name: 'sample.zip', source: await (made ??= makeSample()) });
      return `export default import.meta.ROLLUP_FILE_URL_${file};`;
    },
    configureServer(server) {
      server.middlewares.use('/sample.zip', (_request, response) => {
        (made ??= makeSample()).then(
          (bytes) => response.end(bytes),
          (error: unknown) => {
            response.statusCode = 500;
            response.end(String(error));
          },
        );
      });
    },
  };
}
