// How to get a WebGPU adapter, or a faster one, on each system.
import { existsSync, readFileSync } from 'node:fs';

/** @type {Record<string, string>} */
const LINUX = {
  debian:
    'Debian 12: enable bookworm-backports, then `apt-get install -t bookworm-backports mesa-vulkan-drivers libvulkan1`\n    (its own Mesa 22.3 is too old). Debian 13: `apt-get install mesa-vulkan-drivers libvulkan1`.',
  ubuntu: 'Ubuntu 24.04 or later: `apt-get install mesa-vulkan-drivers libvulkan1`.',
  fedora: 'Fedora: `dnf install mesa-vulkan-drivers vulkan-loader`.',
  arch: 'Arch: `pacman -S vulkan-icd-loader vulkan-swrast` (and vulkan-radeon, vulkan-intel or nvidia-utils for a GPU).',
  suse: 'openSUSE: `zypper install libvulkan1 libvulkan_lvp`.',
  alpine: "Alpine: Dawn's prebuilt library needs glibc; use a Debian based image.",
};

/**
 * Lines, ready to print, on what to install.
 *
 * @param {NodeJS.Platform} platform
 * @param {string} [osRelease] content of /etc/os-release
 * @returns {string}
 */
export function advice(platform, osRelease = readOsRelease()) {
  if (platform === 'darwin')
    return '  macOS: Dawn uses Metal, nothing needs installing. In a virtual machine without Metal there is no adapter.';
  if (platform === 'win32')
    return '  Windows: Dawn uses Direct3D 12. Update the graphics driver; `winget install Microsoft.DirectX.DxC` is not needed.';
  const mine = distribution(osRelease);
  const mesa = mine ? [LINUX[mine]] : Object.values(LINUX);
  return [
    "  Any x64 Linux, no root: the package '@sparticuz/chromium' (a devDependency here) carries SwiftShader; run the install command again.",
    ...mesa.map((line) => `  ${line}`),
    "  A GPU: install its vendor's Vulkan driver (NVIDIA: libnvidia-gl and its nvidia_icd.json; AMD and Intel: Mesa) and, in a container, pass the device in.",
  ].join('\n');
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
