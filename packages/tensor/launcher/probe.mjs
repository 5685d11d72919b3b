// Asks, in a child process, whether Dawn finds a working adapter under a given environment. One probe costs about 0.15 s.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** @typedef {'gpu' | 'lavapipe' | 'swiftshader' | 'software'} AdapterKind the last: a CPU adapter of a third kind */
/**
 * @typedef {object} Found
 * @property {AdapterKind} kind
 * @property {string} name what the driver calls the adapter
 */
/** @typedef {(environment: NodeJS.ProcessEnv) => Found | Failure} Probe */
/**
 * @typedef {object} Failure
 * @property {undefined} kind
 * @property {string} reason
 */

const CHILD = fileURLToPath(new URL('./probe-child.mjs', import.meta.url));
const LIMIT_MS = 60_000;

/** @type {Probe} */
export function probe(environment) {
  const child = spawnSync(process.execPath, [CHILD], { env: environment, encoding: 'utf8', timeout: LIMIT_MS });
  const line = child.stdout?.split('\n').find((text) => text.startsWith('{'));
  if (child.status === 0 && line) {
    const info = JSON.parse(line);
    return { kind: kindOf(info), name: info.description || info.device || info.vendor };
  }
  if (/ERR_MODULE_NOT_FOUND/.test(child.stderr)) return { kind: undefined, reason: "the package 'webgpu' is not installed" };
  if (/Cannot find module .*dawn\.node/.test(child.stderr)) {
    return { kind: undefined, reason: `the package 'webgpu' has no Dawn for ${process.platform} ${process.arch}` };
  }
  if (child.signal) return { kind: undefined, reason: `the driver ended the probing process (${child.signal})` };
  // Dawn's reason for refusing a driver comes before the loader's complaints about others.
  const lines = (child.stderr ?? '').split('\n').map((text) => text.replace(/^(Warning|Error): /, '').trim());
  const said = lines.find((text) => / required\b/.test(text)) ?? lines.find((text) => /error|fail|found no drivers/i.test(text));
  return { kind: undefined, reason: said ? `Dawn refuses it: ${said}` : 'Dawn offers no adapter for it' };
}

/**
 * The same rule as `describeAdapter` in packages/tensor/src/engine/adapter.ts; a test keeps the two equal.
 *
 * @param {{ vendor: string, architecture: string, device: string, description: string, isFallbackAdapter?: boolean }} info
 * @returns {AdapterKind}
 */
export function kindOf(info) {
  const words = `${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  if (words.includes('swiftshader')) return 'swiftshader';
  if (words.includes('llvmpipe') || words.includes('lavapipe')) return 'lavapipe';
  return info.isFallbackAdapter || info.architecture === 'software' ? 'software' : 'gpu';
}
