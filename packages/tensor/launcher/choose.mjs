// Which adapter serves, and the environment that makes Dawn take it. Order: a real GPU, else lavapipe, else SwiftShader.
import { mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { advice } from './advice.mjs';
import { cacheFolder } from './cache.mjs';
import { findDrivers } from './drivers.mjs';
import { probe } from './probe.mjs';
import { swiftShaderArchive, unpackSwiftShader } from './swiftshader.mjs';

/** @typedef {import('./probe.mjs').AdapterKind} AdapterKind */
/**
 * @typedef {object} Choice
 * @property {AdapterKind} kind
 * @property {string} name what the driver calls the adapter
 * @property {string} source where it came from
 * @property {NodeJS.ProcessEnv} environment the whole environment for the process that opens Dawn
 */
/**
 * @typedef {object} Refusal a driver that does not serve
 * @property {string} source where it came from
 * @property {string} reason
 */
/**
 * @typedef {object} Machine what choosing depends on; tests replace parts of it
 * @property {NodeJS.ProcessEnv} environment
 * @property {NodeJS.Platform} platform
 * @property {string} root prefix of the system's folders
 * @property {string | undefined} archive the packed SwiftShader
 * @property {import('./probe.mjs').Probe} probe
 */
/**
 * @typedef {object} Candidate
 * @property {string} source for messages
 * @property {readonly AdapterKind[]} kinds what it may turn out to be
 * @property {() => NodeJS.ProcessEnv} variables what Dawn's process needs; called only when its turn comes
 */

/** What `--adapter` accepts, and the kinds each allows. `software` is any CPU adapter. */
const ALLOWED = /** @type {Record<string, readonly AdapterKind[]>} */ ({
  gpu: ['gpu'],
  lavapipe: ['lavapipe'],
  swiftshader: ['swiftshader'],
  software: ['lavapipe', 'swiftshader', 'software'],
});
const ANY = /** @type {readonly AdapterKind[]} */ (['gpu', 'lavapipe', 'swiftshader', 'software']);

/** No adapter, or not the forced one. The message names what was tried and what helps on this system. */
export class NoAdapterError extends Error {}

/**
 * The first adapter that works, or the forced one.
 *
 * @param {string | undefined} forced gpu, lavapipe, swiftshader or software; undefined for the order above
 * @param {Partial<Machine>} [parts]
 * @returns {Choice}
 * @throws {NoAdapterError}
 */
export function chooseAdapter(forced, parts = {}) {
  const machine = describeMachine(parts);
  const kinds = forced === undefined ? undefined : ALLOWED[forced];
  if (forced !== undefined && !kinds) {
    throw new NoAdapterError(`adapter '${forced}' is unknown. Use one of ${Object.keys(ALLOWED).join(', ')}.`);
  }
  const tried = [];
  for (const candidate of candidates(machine, kinds)) {
    const found = attempt(candidate, machine);
    if ('kind' in found) return found;
    tried.push(`  ${found.source}: ${found.reason}`);
  }
  if (tried.length === 0) tried.push(`  nothing: ${whyNothing(machine)}`);
  const wanted = forced ? `the adapter '${forced}' is not available` : 'no WebGPU adapter was found';
  throw new NoAdapterError([`${wanted}. Tried:`, ...tried, 'What helps:', advice(machine.platform)].join('\n'));
}

/**
 * Every driver of this machine in the order of preference, each tried. Where the environment names a driver, that one alone.
 *
 * @param {Partial<Machine>} [parts]
 * @returns {(Choice | Refusal)[]}
 */
export function examineAdapters(parts = {}) {
  const machine = describeMachine(parts);
  return candidates(machine, undefined).map((candidate) => attempt(candidate, machine));
}

/**
 * The adapters that work, one of each kind, fastest first: the test suite runs on each.
 *
 * @param {Partial<Machine>} [parts]
 * @returns {Choice[]}
 */
export function presentAdapters(parts = {}) {
  const working = examineAdapters(parts).flatMap((found) => ('kind' in found ? [found] : []));
  return working.filter((one, index) => working.findIndex((other) => other.kind === one.kind) === index);
}

/** @param {Partial<Machine>} parts @returns {Machine} */
function describeMachine(parts) {
  const platform = parts.platform ?? process.platform;
  return { environment: process.env, root: '/', archive: swiftShaderArchive(platform), probe, ...parts, platform };
}

/**
 * @param {Machine} machine
 * @param {readonly AdapterKind[] | undefined} allowed forced kinds. Forcing wins over a driver that the environment names:
 *   if the named one is of another kind the system's own are searched. Hidden drivers (see drivers.mjs) stay hidden.
 * @returns {Candidate[]}
 */
function candidates(machine, allowed) {
  const { environment, platform, root, archive } = machine;
  // Metal and Direct3D have no manifests to choose from: Dawn finds the system's own adapter.
  if (platform !== 'linux') return [{ source: "the system's own adapter", kinds: allowed ?? ANY, variables: () => ({}) }];
  const drivers = findDrivers(environment, root);
  /** @type {Candidate[]} */
  const named = [];
  if (drivers.chosen.length > 0) {
    named.push({ source: `VK_DRIVER_FILES: ${drivers.chosen.join(delimiter)}`, kinds: allowed ?? ANY, variables: () => ({}) });
  }
  /** @type {Candidate[]} */
  const system = [];
  if (drivers.hardware.length > 0) {
    system.push({ source: 'GPU drivers of the system', kinds: ['gpu'], variables: () => manifests(drivers.hardware) });
  }
  for (const file of drivers.lavapipe) system.push({ source: file, kinds: ['lavapipe'], variables: () => manifests([file]) });
  if (archive) {
    const unpack = () => manifests([unpackSwiftShader(archive, cacheFolder(environment, platform)).driver]);
    system.push({ source: 'bundled', kinds: ['swiftshader'], variables: unpack });
  }
  if (allowed) return [...named, ...system.filter((candidate) => candidate.kinds.some((kind) => allowed.includes(kind)))];
  return named.length > 0 ? named : system;
}

/** @param {Candidate} candidate @param {Machine} machine @returns {Choice | Refusal} */
function attempt(candidate, machine) {
  const { platform, archive } = machine;
  const environment = { ...machine.environment, ...candidate.variables() };
  if (platform === 'linux' && !environment.MESA_SHADER_CACHE_DIR) {
    // lavapipe compiles at the first dispatch, for seconds: the result is kept between runs.
    environment.MESA_SHADER_CACHE_DIR = join(cacheFolder(environment, platform), 'mesa');
    mkdirSync(environment.MESA_SHADER_CACHE_DIR, { recursive: true });
  }
  let found = machine.probe(environment);
  if (found.kind === undefined && archive && platform === 'linux') {
    // GPU containers often mount a driver but no Vulkan loader; the bundle has one.
    const { loaderFolder } = unpackSwiftShader(archive, cacheFolder(environment, platform));
    environment.LD_LIBRARY_PATH = [environment.LD_LIBRARY_PATH, loaderFolder].filter(Boolean).join(delimiter);
    found = machine.probe(environment);
  }
  const { source } = candidate;
  if (found.kind === undefined) return { source, reason: found.reason };
  if (!candidate.kinds.includes(found.kind)) {
    return { source, reason: `it is ${found.kind}, ${found.name}` };
  }
  return { kind: found.kind, name: found.name, source, environment };
}

/** Both names: loaders before 1.3.207 know only the second. @param {string[]} files @returns {NodeJS.ProcessEnv} */
function manifests(files) {
  const list = files.join(delimiter);
  return { VK_DRIVER_FILES: list, VK_ICD_FILENAMES: list };
}

/** @param {Machine} machine @returns {string} */
function whyNothing(machine) {
  const { hidden } = findDrivers(machine.environment, machine.root);
  return hidden
    ? 'VK_DRIVER_FILES names no existing file, which hides the drivers of the system'
    : 'there is no driver for it, or no device';
}
