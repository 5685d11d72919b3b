// SwiftShader, the adapter of last resort: it comes inside an npm package, so it needs neither root nor a system package.
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { untar } from './untar.mjs';

/**
 * @typedef {object} SwiftShader
 * @property {string} driver the Vulkan driver manifest (ICD JSON)
 * @property {string} loaderFolder a folder with `libvulkan.so.1` alone, for machines that have no Vulkan loader
 */

/** Archive member -> place in the folder. The archive's EGL and GLES libraries stay out: on LD_LIBRARY_PATH they would shadow the system's. */
const PLACES = {
  'libvk_swiftshader.so': 'libvk_swiftshader.so',
  'vk_swiftshader_icd.json': 'vk_swiftshader_icd.json',
  'libvulkan.so.1': join('loader', 'libvulkan.so.1'),
};

/**
 * The archive of the installed `@sparticuz/chromium` package (x64 Linux libraries), or undefined where it cannot serve.
 *
 * @param {NodeJS.Platform} platform
 * @param {string} arch
 * @returns {string | undefined}
 */
export function swiftShaderArchive(platform = process.platform, arch = process.arch) {
  if (platform !== 'linux' || arch !== 'x64') return undefined;
  // As a dependency of this package, or of the program that is started.
  return archiveNear(import.meta.url) ?? archiveNear(pathToFileURL(join(process.cwd(), 'package.json')).href);
}

/** @param {string} module where the search for the package begins @returns {string | undefined} */
function archiveNear(module) {
  try {
    // The package exports its main file only: climb from there to the folder that has bin/.
    let folder = dirname(createRequire(module).resolve('@sparticuz/chromium'));
    while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
    while (!existsSync(join(folder, 'bin', 'swiftshader.tar.br')) && dirname(folder) !== folder) folder = dirname(folder);
    const archive = join(folder, 'bin', 'swiftshader.tar.br');
    return existsSync(archive) ? archive : undefined;
  } catch {
    return undefined; // not installed
  }
}

/**
 * Unpacks the archive below `cache`, once. The folder's name is the archive's digest and it appears by one rename, so
 * concurrent processes never see half of it and an upgrade never mixes versions.
 *
 * @param {string} archive `swiftshader.tar.br`
 * @param {string} cache an existing, writable folder
 * @returns {SwiftShader}
 * @throws {Error} when the archive lacks one of the files
 */
export function unpackSwiftShader(archive, cache) {
  const packed = readFileSync(archive);
  const folder = join(cache, `swiftshader-${createHash('sha256').update(packed).digest('hex').slice(0, 16)}`);
  if (!isComplete(folder)) publish(brotliDecompressSync(packed), folder);
  return { driver: join(folder, 'vk_swiftshader_icd.json'), loaderFolder: join(folder, 'loader') };
}

/** A cleaner of temporary files may have taken some of the files away. @param {string} folder */
function isComplete(folder) {
  return Object.values(PLACES).every((place) => (statSync(join(folder, place), { throwIfNoEntry: false })?.size ?? 0) > 0);
}

/** @param {Uint8Array} archive @param {string} folder */
function publish(archive, folder) {
  const files = untar(archive);
  const fresh = `${folder}.${randomUUID()}`;
  mkdirSync(join(fresh, 'loader'), { recursive: true });
  try {
    for (const [name, place] of Object.entries(PLACES)) {
      const content = files.get(name);
      if (!content) throw new Error(`the SwiftShader archive has no ${name}: it has ${[...files.keys()].join(', ')}`);
      writeFileSync(join(fresh, place), content, { mode: 0o755 });
    }
    if (existsSync(folder) && !isComplete(folder)) rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    // Another process may have been first: its folder is as good as ours.
    if (!isComplete(folder)) throw error;
  }
}
