// The tarballs: of what is published, and of a package outside of the repository.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { transformWithEsbuild } from 'vite';
import { pnpm, ROOT, run } from './shell.mjs';

/** @typedef {{ name: string, tarball: string, folder: string }} Packed a package, its tarball, and the folder that it is packed from */

/** Packs a package; returns the tarball. @param {string} folder @param {string} to @returns {Promise<Packed>} */
export async function pack(folder, to) {
  const { name, filename } = JSON.parse(await pnpm(['pack', '--json', '--pack-destination', to], join(ROOT, folder)));
  const tarball = join(to, basename(filename));
  const bytes = readFileSync(tarball);
  const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer }, strict: true });
  for (const message of messages) console.error(`${name}: ${formatMessage(message, pkg ?? {})}`);
  if (messages.length > 0) throw new Error(`publint finds fault with ${name}`);
  console.log(`ok    ${name}: ${(bytes.length / 1024).toFixed(0)} kB packed, publint is content`);
  return { name, tarball, folder: join(ROOT, folder) };
}

/** Tarballs of these packages that are in a folder already, or undefined where one is missing. @param {readonly string[]} folders @param {string} from @returns {Packed[] | undefined} */
export function packedBefore(folders, from) {
  const packed = folders.map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
    return { name, tarball: join(from, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`), folder: join(ROOT, folder) };
  });
  return packed.every(({ tarball }) => existsSync(tarball)) ? packed : undefined;
}

/** The name of a package outside of the repository. */
export const OUTSIDE = 'mudpt-outside';

/**
 * A package that registers a method and a data set, as anybody could publish it: JavaScript, packed by npm, knowing nothing but `mudpt`.
 *
 * @param {string} to folder
 * @returns {Promise<Packed>}
 */
export async function packOutside(to) {
  const folder = join(to, OUTSIDE);
  const test = join(ROOT, 'packages', 'mudpt', 'test');
  mkdirSync(folder);
  for (const [source, target] of [
    ['plugin.ts', 'index.js'],
    ['example-method.ts', 'example-method.js'],
  ]) {
    const { code } = await transformWithEsbuild(readFileSync(join(test, source ?? ''), 'utf8'), source ?? '', {
      target: 'es2023',
    });
    const published = code
      .replace(/(["'])\.\.\/src\/(?:core|index)\.ts\1/g, '"mudpt"')
      .replaceAll('./example-method.ts', './example-method.js');
    writeFileSync(join(folder, target ?? ''), published);
  }
  const manifest = { name: OUTSIDE, version: '1.0.0', type: 'module', exports: './index.js', dependencies: { zod: '^4.0.0' } };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, peerDependencies: { mudpt: '*' } }));
  const [{ filename }] = JSON.parse(await run('npm', ['pack', '--json', '--pack-destination', to], folder));
  return { name: OUTSIDE, tarball: join(to, filename), folder };
}
