// Which Vulkan drivers this Linux machine has: the manifests (ICD JSON files) and the device nodes they need.
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, delimiter, join } from 'node:path';

/**
 * @typedef {object} Drivers
 * @property {string[]} chosen manifests the user named in VK_DRIVER_FILES or VK_ICD_FILENAMES and that exist
 * @property {boolean} hidden the user named manifests of which none exists: a way to say "no driver"
 * @property {string[]} hardware manifests of GPU drivers; empty when the machine shows no GPU device
 * @property {string[]} lavapipe manifests of Mesa's CPU driver
 */

/**
 * @param {NodeJS.ProcessEnv} environment
 * @param {string} root prefix of every absolute path looked at; tests give a made-up machine
 * @returns {Drivers}
 */
export function findDrivers(environment = process.env, root = '/') {
  const named = (environment.VK_DRIVER_FILES || environment.VK_ICD_FILENAMES || '').split(delimiter).filter(Boolean);
  const chosen = named.filter((file) => existsSync(file));
  if (named.length > 0 && chosen.length === 0) return { chosen, hidden: true, hardware: [], lavapipe: [] };
  const manifests = manifestFolders(environment, root).flatMap(manifestsIn);
  const unique = [...new Map(manifests.map((file) => [basename(file), file])).values()];
  const lavapipe = unique.filter((file) => /lvp|lavapipe/.test(basename(file)));
  const hardware = hasGpuNode(root) ? unique.filter((file) => !/lvp|lavapipe|swiftshader/.test(basename(file))) : [];
  return { chosen, hidden: false, hardware, lavapipe };
}

/** The loader's search path, last first, so that the more specific folder wins; plus where GPU containers mount NVIDIA's. */
function manifestFolders(/** @type {NodeJS.ProcessEnv} */ environment, /** @type {string} */ root) {
  const home = environment.HOME || homedir();
  const shared = (environment.XDG_DATA_DIRS || '/usr/local/share:/usr/share').split(':').filter(Boolean);
  const system = ['/usr/local/nvidia/share', ...shared.reverse(), '/usr/local/etc', '/etc'];
  return [...system.map((folder) => join(root, folder)), join(home, '.local', 'share')].map((folder) =>
    join(folder, 'vulkan', 'icd.d'),
  );
}

/** @param {string} folder @returns {string[]} */
function manifestsIn(folder) {
  if (!existsSync(folder)) return [];
  // 32-bit manifests stand beside the 64-bit ones on multi-architecture systems; Node is 64-bit.
  const names = readdirSync(folder).filter((name) => name.endsWith('.json') && !/(i[3-6]86|armhf|x86)\.json$/.test(name));
  return names.sort().map((name) => join(folder, name));
}

/** A driver package may be installed where no device is (every Debian has Intel's and AMD's): the device node decides. @param {string} root */
function hasGpuNode(root) {
  const has = (/** @type {string} */ folder, /** @type {RegExp} */ pattern) =>
    existsSync(join(root, folder)) && readdirSync(join(root, folder)).some((name) => pattern.test(name));
  return has('dev/dri', /^renderD\d+$/) || has('dev', /^(nvidia\d+|dxg|kgsl-3d0|mali\d+)$/);
}
