/** The sample that comes with the page: drawn icons in a style that the embedded model never saw, as a zip of class folders. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } from '@zip.js/zip.js';
import { openDataset } from 'mudpt';
import type { Plugin } from 'vite';

const NAME = 'virtual:sample';
const CACHE = fileURLToPath(new URL('../../../.cache/studio', import.meta.url));
/** What the embedded model takes for something else about half of the time, so that there is something to learn. */
const CLASSES: ReadonlySet<string> = new Set([
  'bird or insect',
  'clock',
  'drink or tableware',
  'game',
  'landscape',
  'medical item',
  'sea animal or reptile',
  'sign',
  'sport',
  'tool',
]);
/** Images of a class at most. */
const COUNT = 32;
/** The same bytes at every build. */
const DATE = new Date('2024-01-01T00:00:00Z');

async function makeSample(): Promise<Uint8Array> {
  const { classNames, splits } = await openDataset('icons-styles', { root: CACHE });
  const all = [...splits.train, ...splits.val, ...splits.test];
  const zip = new ZipWriter(new Uint8ArrayWriter(), { level: 0, lastModDate: DATE, useWebWorkers: false });
  for (const name of CLASSES) {
    const label = classNames.indexOf(name);
    if (label < 0) throw new Error(`the icons have no class ${name}: name another in build/sample.ts`);
    for (const { id, image } of all.filter((item) => item.label === label).slice(0, COUNT))
      await zip.add(`${name}/${basename(id)}`, new Uint8ArrayReader(await readFile(String(image))));
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
