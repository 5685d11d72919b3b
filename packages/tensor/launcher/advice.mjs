// How to get a WebGPU adapter, or a faster one, on each system.
import { existsSync, readFileSync } from 'node:fs';

/** Mesa's CPU driver, lavapipe: three times as fast as SwiftShader. @type {Record<string, string[]>} */
const LINUX = {
  debian: [
    'Debian 12: enable bookworm-backports, then `apt-get install -t bookworm-backports mesa-vulkan-drivers libvulkan1`',
    '(its own Mesa 22.3 is too old). Debian 13: `apt-get install mesa-vulkan-drivers libvulkan1`.',
  ],
  ubuntu: ['Ubuntu 24.04 or later: `apt-get install mesa-vulkan-drivers libvulkan1`.'],
  fedora: ['Fedora: `dnf install mesa-vulkan-drivers vulkan-loader`.'],
  arch: ['Arch: `pacman -S vulkan-icd-loader vulkan-swrast` (a GPU: vulkan-radeon, vulkan-intel or nvidia-utils).'],
  suse: ['openSUSE: `zypper install libvulkan1 libvulkan_lvp`.'],
  alpine: ["Alpine: Dawn's prebuilt library needs glibc; use a Debian based image."],
};

const SWIFTSHADER = [
  "Any x64 Linux, no root: install the npm package '@sparticuz/chromium', which carries SwiftShader; mudpt-launch finds it.",
];
const GPU = [
  "A GPU: install its vendor's Vulkan driver (NVIDIA: the driver package that has nvidia_icd.json; AMD and Intel: Mesa); in a container",
  'pass the device in (`--gpus all` with NVIDIA_DRIVER_CAPABILITIES=all, or `--device /dev/dri`).',
];

/**
 * Indented lines, ready to print: what to install for an adapter, or for a faster one than there is.
 *
 * @param {NodeJS.Platform} platform
 * @param {readonly string[]} [working] kinds of adapters that need no advice
 * @param {string} [osRelease] content of /etc/os-release
 * @returns {string}
 */
export function advice(platform, working = [], osRelease = readOsRelease()) {
  return linesFor(platform, working, osRelease)
    .map((line) => `  ${line}`)
    .join('\n');
}

/** @param {NodeJS.Platform} platform @param {readonly string[]} working @param {string} osRelease @returns {string[]} */
function linesFor(platform, working, osRelease) {
  if (working.includes('gpu')) return ['Nothing: a GPU is in use.'];
  if (platform === 'darwin')
    return ['macOS: Dawn uses Metal and needs nothing installed; a virtual machine without Metal has no adapter.'];
  if (platform === 'win32') return ["Windows: Dawn uses Direct3D 12; update the graphics card's driver."];
  const mine = distribution(osRelease);
  const mesa = (mine ? [mine] : Object.keys(LINUX)).flatMap((name) => LINUX[name] ?? []);
  return [...(working.length > 0 ? [] : SWIFTSHADER), ...(working.includes('lavapipe') ? [] : mesa), ...GPU];
}

/** @param {string} osRelease @returns {string | undefined} a key of `LINUX` */
export function distribution(osRelease) {
  const ids = [...osRelease.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?$/gm)].flatMap((match) =>
    (match[1] ?? '').toLowerCase().split(/\s+/),
  );
  // The closest relative first: Mint says ID_LIKE="ubuntu debian".
  const names = ids.flatMap((id) =>
    Object.keys(LINUX).filter((name) => id === name || id.startsWith(`${name}-`) || id === `open${name}`),
  );
  return names[0];
}

/** @returns {string} */
function readOsRelease() {
  return existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
}
