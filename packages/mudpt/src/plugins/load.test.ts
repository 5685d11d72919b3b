import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { put, temporaryFolder } from '@mudpt/testing/files';
import { takePlugins } from '../cli/plugin-flags.ts';
import { resolveConfig } from '../runs/settings/config.ts';
import { identity } from '../runs/settings/identity.ts';
import { loadConfig } from '../runs/settings/config-plugins.ts';
import { RunFolder } from '../runs/files/run-folder.ts';
import { changedPlugins, loadPlugin } from './load.ts';

/** Imports that a plugin needs from this package, by address. */
const REGISTRY = pathToFileURL(fileURLToPath(new URL('../methods/registry.ts', import.meta.url))).href;

it('a plugin is loaded once, and recorded by its contents', async () => {
  await using at = await temporaryFolder();
  const file = join(at.path, 'counts.mjs');
  await put(file, 'globalThis.timesLoaded = (globalThis.timesLoaded ?? 0) + 1;\n');
  const first = await loadPlugin(file);
  expect(first).toEqual({ path: file, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(await loadPlugin(file)).toEqual(first);
  expect(Reflect.get(globalThis, 'timesLoaded')).toBe(1);
});

it.each<[string, string, RegExp]>([
  ['a slip in it', 'const a = ;', /broken.mjs cannot be loaded/],
  ['an exception', '\nthrow new Error("no licence");', /cannot be loaded: no licence \(line 2\)/],
  ['something that is not installed', "import 'mudpt-is-not-here';", /cannot be loaded.*mudpt-is-not-here/i],
])('says why it cannot be loaded: %s', async (_, text, message) => {
  await using at = await temporaryFolder();
  await put(join(at.path, 'broken.mjs'), text);
  await expect(loadPlugin(join(at.path, 'broken.mjs'))).rejects.toThrow(message);
});

it('says that there is none', async () => {
  await expect(loadPlugin('./no-such-method.ts')).rejects.toThrow(/"\.\/no-such-method\.ts" is neither a file nor a package/);
  await expect(loadPlugin('no-such-package')).rejects.toThrow(/"no-such-package" is neither a file nor a package/);
});

it('what a plugin registers wrongly is told in the words of the registry', async () => {
  await using at = await temporaryFolder();
  const file = join(at.path, 'wrong.mjs');
  await put(file, `import { registerMethod } from ${JSON.stringify(REGISTRY)};\nregisterMethod({ name: 'Wrong Name' });\n`);
  await expect(loadPlugin(file)).rejects.toThrow(
    /registerMethod: the definition "Wrong Name" has no name that --method could take/,
  );
});

it('another copy of this package beside the plugin is told, since it would register there', async () => {
  await using at = await temporaryFolder();
  const other = join(at.path, 'node_modules', 'mudpt');
  await put(join(other, 'package.json'), '{ "name": "mudpt", "main": "index.js" }');
  await put(join(other, 'index.js'), '');
  await put(join(at.path, 'apart.mjs'), "import 'mudpt';");
  await expect(loadPlugin(join(at.path, 'apart.mjs'))).rejects.toThrow(/would take mudpt from .*node_modules.mudpt.index\.js/);
  const project = join(at.path, 'project', 'node_modules');
  await mkdir(project, { recursive: true });
  await symlink(fileURLToPath(new URL('../..', import.meta.url)), join(project, 'mudpt'));
  await put(join(at.path, 'project', 'same.mjs'), '');
  await expect(loadPlugin(join(at.path, 'project', 'same.mjs'))).resolves.toBeDefined();
});

it('configurations record plugins, and tell runs apart by their contents alone', async () => {
  await using at = await temporaryFolder();
  const [a, b] = [join(at.path, 'a.mjs'), join(at.path, 'b.mjs')];
  await put(a, '// same\n');
  await put(b, '// same\n');
  const [one, two] = [await loadConfig({ plugins: [a] }), await loadConfig({ plugins: [b] })];
  expect(one.plugins).toEqual([{ path: a, hash: expect.any(String) }]);
  expect(identity(one)).toBe(identity(two));
  expect(identity(one)).not.toBe(identity(resolveConfig({})));
  expect(identity(resolveConfig({ plugins: [] }))).toBe(identity(resolveConfig({})));
  expect(() => resolveConfig({ plugins: [{ path: a, hash: 'no' }] })).toThrow(/plugins\.0/);
});

it('a run loads what it recorded, says what is missing, and knows what has changed', async () => {
  await using at = await temporaryFolder();
  const folder = new RunFolder(join(at.path, 'run'));
  const hash = 'a'.repeat(64);
  const record = async (path: string): Promise<void> => {
    await folder.create();
    await folder.writeConfig({ ...resolveConfig({}), plugins: [{ path, hash }] });
  };
  const file = join(at.path, 'recorded.mjs');
  await record(file);
  await expect(folder.readConfig()).rejects.toThrow(
    /was made with the plugin .*recorded\.mjs, which is not there.*--plugin FILE/,
  );
  await put(file, '// another text than the recorded\n');
  const { plugins } = await folder.readConfig();
  expect(changedPlugins(plugins)).toEqual([`the plugin ${file} has changed since the run was made with it`]);
  await record(join(at.path, 'elsewhere', 'recorded.mjs'));
  await expect(folder.readConfig()).resolves.toBeDefined();
  expect(changedPlugins(undefined)).toEqual([]);
});

it('code that comes with a run is not loaded unasked', async () => {
  await using at = await temporaryFolder();
  const folder = new RunFolder(join(at.path, 'run'));
  await folder.create();
  const inside = join(folder.path, 'inside.mjs');
  await put(inside, 'globalThis.wasLoaded = true;\n');
  const record = (path: string): Promise<void> =>
    folder.writeConfig({ ...resolveConfig({}), plugins: [{ path, hash: 'b'.repeat(64) }] });
  for (const path of [inside, './inside.mjs', '../run/inside.mjs', join(at.path, 'other', '..', 'run', 'inside.mjs')]) {
    await record(path);
    await expect(folder.readConfig(), path).rejects.toThrow(/not at a place outside of it.*allow it with --plugin/);
  }
  // What reads like a package is looked for among those that are installed, never as a file.
  await record('packages/mudpt/test/plugin.ts');
  await expect(folder.readConfig()).rejects.toThrow(/with the plugin packages\/mudpt\/test\/plugin\.ts, which is not there/);
  expect(Reflect.get(globalThis, 'wasLoaded')).toBeUndefined();
  await folder.writeConfig({ ...resolveConfig({}), plugins: [inside] });
  await expect(folder.readConfig()).rejects.toThrow(/without its hash/);
  await loadPlugin(inside);
  await record(inside);
  await expect(folder.readConfig()).resolves.toBeDefined();
});

it('--plugin is taken from anywhere in a command line, up to --', () => {
  expect(takePlugins(['train', '--plugin', './a.ts', '--shots', '2', '--plugin=b'])).toEqual({
    plugins: ['./a.ts', 'b'],
    rest: ['train', '--shots', '2'],
  });
  expect(takePlugins(['predict', 'run', '--', '--plugin', 'x'])).toEqual({
    plugins: [],
    rest: ['predict', 'run', '--', '--plugin', 'x'],
  });
  for (const words of [['train', '--plugin'], ['--plugin', '--shots', '2'], ['--plugin=']])
    expect(() => takePlugins(words)).toThrow(/--plugin: has no value/);
});
