/** Plugins: modules of other packages that register methods and data sets, loaded by `--plugin` and by the `plugins` of a configuration. */
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { cwd, version } from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { InputError, TensorError } from '@mudpt/tensor';
import * as z from 'zod';

const recordSchema = z.strictObject({
  /** Absolute path of a file, or the name of an installed package. */
  path: z.string().min(1),
  /** SHA-256 of the file's contents, without its imports. */
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'is no SHA-256'),
});

/** A plugin as a configuration has it: as a person writes it, or as a run records it. */
export const pluginSchema = z.union([z.string().min(1), recordSchema]);

/** A plugin as a run records it. */
export type PluginRecord = z.infer<typeof recordSchema>;

/** Loaded plugins by address. A module is evaluated once in a process, so the version loaded first stays. */
const loaded = new Map<string, PluginRecord>();

/**
 * Loads a module, which registers its methods and data sets as it is evaluated. Loading it again does nothing.
 * @param given a path, or the name of a package that is installed where the program was started
 * @throws InputError when it is not there or cannot be loaded, saying why; what `registerMethod` and `registerDataset` refuse
 */
export async function loadPlugin(given: string): Promise<PluginRecord> {
  const found = locateFile(given) ?? locatePackage(given);
  if (found) return load(found);
  throw new InputError(
    'plugin',
    `"${given}" is neither a file nor a package that is installed here`,
    'give a path such as ./my-method.ts, or the name of a package in node_modules',
  );
}

/** A plugin as recorded in a run, and its file. */
type Located = { readonly path: string; readonly file: string };

async function load({ path, file }: Located): Promise<PluginRecord> {
  const address = pathToFileURL(file).href;
  const known = loaded.get(address);
  if (known) return known;
  const record = { path, hash: createHash('sha256').update(readFileSync(file)).digest('hex') };
  expectOneCopy(file);
  try {
    await import(/* @vite-ignore */ address);
  } catch (error) {
    // The error of a refused definition explains itself.
    if (error instanceof TensorError) throw error;
    throw new InputError('plugin', `${file} cannot be loaded: ${reasonOf(error, file)}`, remedyOf(error), { cause: error });
  }
  loaded.set(address, record);
  return record;
}

/** Plugins loaded in this process. */
export function loadedPlugins(): PluginRecord[] {
  return [...loaded.values()];
}

/** Loads all that a configuration names, in its order. */
export async function loadPlugins(given: readonly (string | PluginRecord)[]): Promise<PluginRecord[]> {
  const records: PluginRecord[] = [];
  for (const plugin of given) records.push(await loadPlugin(typeof plugin === 'string' ? plugin : plugin.path));
  return records;
}

/**
 * Loads the plugins that a run recorded, unless a plugin of the same contents, or of the same name, is loaded already: it may lie elsewhere now.
 * @param folder of the run. A plugin in it is not loaded by itself: results that come from a stranger must not bring code with them
 * @throws InputError naming the plugin that is missing
 */
export async function loadRecorded(recorded: readonly (string | PluginRecord)[], folder: string): Promise<void> {
  for (const plugin of recorded) {
    if (typeof plugin === 'string')
      throw new InputError('plugin', `the run in ${folder} names the plugin ${plugin} without its hash`, GIVE_IT);
    if (loadedFor(plugin)) continue;
    const { path } = plugin;
    // A name that is not an absolute path must be a package, which somebody installed here on purpose.
    const isInside = isAbsolute(path) && !relative(resolve(folder), path).startsWith('..');
    if (isInside || (!isAbsolute(path) && !isPackage(path)))
      throw new InputError(
        'plugin',
        `the run in ${folder} was made with a plugin that is not at a place outside of it: ${path}`,
        'look at what it does, then allow it with --plugin FILE',
      );
    const found = isAbsolute(path) ? locateFile(path) : locatePackage(path);
    if (!found)
      throw new InputError('plugin', `the run in ${folder} was made with the plugin ${path}, which is not there`, GIVE_IT);
    await load(found);
  }
}

const GIVE_IT = 'say where it lies now with --plugin FILE, or load it with loadPlugin';

/** The loaded plugin for a recorded one: the same contents, or else the same name. */
function loadedFor({ path, hash }: PluginRecord): PluginRecord | undefined {
  const all = loadedPlugins();
  return all.find((record) => record.hash === hash) ?? all.find((record) => basename(record.path) === basename(path));
}

/** Identity of a run's plugins: their contents, independent of paths. */
export function hashesOf(plugins: readonly (string | PluginRecord)[] | undefined): readonly string[] | undefined {
  if (plugins === undefined || plugins.length === 0) return undefined;
  return plugins.map((plugin) => (typeof plugin === 'string' ? plugin : plugin.hash)).sort();
}

/** Recorded plugins whose contents have changed, one sentence each. */
export function changedPlugins(recorded: readonly (string | PluginRecord)[] = []): string[] {
  return recorded.flatMap((plugin) => {
    if (typeof plugin === 'string') return [];
    const now = loadedFor(plugin);
    return now && now.hash !== plugin.hash ? [`the plugin ${now.path} has changed since the run was made with it`] : [];
  });
}

/** `name`, `@scope/name`, or a file of such a package. */
function isPackage(given: string): boolean {
  return /^(?:@[\w.-]+\/)?[a-z0-9][\w.-]*(?:\/[\w./-]+)?$/i.test(given);
}

function locateFile(given: string): Located | undefined {
  const path = resolve(given);
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? { path, file: realpathSync(path) } : undefined;
}

/** A package that is installed where the program was started. */
function locatePackage(given: string): Located | undefined {
  if (!isPackage(given)) return undefined;
  try {
    return { path: given, file: realpathSync(createRequire(join(cwd(), 'package.json')).resolve(given)) };
  } catch {
    return undefined;
  }
}

/** The entry of this package, source or built. */
const ENTRY = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../index.ts' : '../index.js', import.meta.url));

/** @throws InputError when the plugin would register with another installation of this package, which this process does not read */
function expectOneCopy(file: string): void {
  let theirs: string;
  try {
    theirs = realpathSync(createRequire(file).resolve('mudpt'));
  } catch {
    return; // Not installed there: if the plugin imports this package, that import fails with its name.
  }
  if (theirs === realpathSync(ENTRY)) return;
  throw new InputError(
    'plugin',
    `${file} would take mudpt from ${theirs}, and this program is ${ENTRY}: what it registers would not be known here`,
    'start the program that is installed beside the plugin, or install one of the two alone',
  );
}

/** The message of an error, with its place in the plugin. */
function reasonOf(error: unknown, file: string): string {
  if (!(error instanceof Error)) return String(error);
  const line = error.stack?.split('\n').find((text) => text.trimStart().startsWith('at ') && text.includes(basename(file)));
  const place = line && /:(\d+):\d+\)?$/.exec(line)?.[1];
  return place === undefined ? error.message : `${error.message} (line ${place})`;
}

const REMEDIES: Readonly<Record<string, string>> = {
  ERR_UNKNOWN_FILE_EXTENSION: `Node ${version} reads no TypeScript by itself: use Node 22.18 or later, set NODE_OPTIONS="--import tsx", or give JavaScript (.js, .mjs)`,
  ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX:
    'Node only strips types: set NODE_OPTIONS="--import tsx", or leave out enums, namespaces and parameter properties',
  ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING: 'Node reads no TypeScript below node_modules: publish the plugin as JavaScript',
  ERR_MODULE_NOT_FOUND: 'install what it imports where it lies: npm install mudpt there, or put it into a project that has it',
};

function remedyOf(error: unknown): string {
  const { code } = error as { code?: string };
  return (code === undefined ? undefined : REMEDIES[code]) ?? 'mend the module: it runs as it is loaded';
}
