#!/usr/bin/env node
// pnpm pack:check
//
// Packs the packages that other projects use and uses them as those projects would: publint reads the tarballs, an empty project
// installs them (offline: the tarballs, and for what they depend on the packages that are here), Node runs the READMEs' examples and the
// commands, a method and a data set of a package outside of the repository are trained, stopped, resumed and evaluated on new classes,
// TypeScript checks programs under strict settings, Vite bundles the examples, and Chromium, where there is one, runs the
// bundles.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { build, transformWithEsbuild } from 'vite';
import { writeShapes } from '../packages/testing/src/images.ts';
import { exampleOf, examples } from '../test/readme/examples.ts';
import { BUDGETS, bundledSize } from '../test/bundles/size.mjs';
import { PUBLISHED } from './release.mjs';
import { findChromium } from '../scripts/chromium.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** @param {string} command @param {string[]} words @param {string} cwd @returns {Promise<string>} what it printed */
async function run(command, words, cwd) {
  const child = promisify(execFile)(command, words, { cwd, maxBuffer: 2 ** 26 });
  child.child.stdin?.end();
  return child.then(
    ({ stdout }) => stdout,
    (/** @type {Error & { stdout?: string }} */ error) => {
      throw new Error(`${error.message}\n${error.stdout ?? ''}`);
    },
  );
}

/** @param {string[]} words @param {string} cwd */
const pnpm = (words, cwd) => run('npx', ['--yes', 'pnpm@12', ...words], cwd);

/** @param {string} name @returns {{ program: string, prints: RegExp }} */
function example(name) {
  const found = examples.find((one) => one.name === name);
  if (!found) throw new Error(`there is no example ${name}`);
  return { program: exampleOf(readFileSync(join(ROOT, found.page), 'utf8'), name), prints: found.prints };
}

/** @param {string} output @param {RegExp} prints @param {string} what */
function expectMatch(output, prints, what) {
  if (!prints.test(output)) throw new Error(`${what} printed\n${output}\nwhich does not match ${prints}`);
  console.log(`ok    ${what}`);
}

/** Packs a package; returns the tarball. @param {string} folder @param {string} to */
async function pack(folder, to) {
  const { name, filename } = JSON.parse(await pnpm(['pack', '--json', '--pack-destination', to], join(ROOT, folder)));
  const tarball = join(to, basename(filename));
  const bytes = readFileSync(tarball);
  const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer }, strict: true });
  for (const message of messages) console.error(`${name}: ${formatMessage(message, pkg ?? {})}`);
  if (messages.length > 0) throw new Error(`publint finds fault with ${name}`);
  console.log(`ok    ${name}: ${(bytes.length / 1024).toFixed(0)} kB packed, publint is content`);
  return { name, tarball, folder: join(ROOT, folder) };
}

/**
 * What other packages the packed ones depend on, as the copies that are here.
 *
 * @param {{ folder: string }[]} packed
 */
function dependenciesHere(packed) {
  /** @type {Record<string, string>} */
  const links = { webgpu: `link:${join(ROOT, 'node_modules', 'webgpu')}` };
  for (const { folder } of packed) {
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies }))
      if (!name.startsWith('@mudpt/')) links[name] = `link:${join(folder, 'node_modules', name)}`;
  }
  return links;
}

/** The name of a package outside of the repository. */
const OUTSIDE = 'mudpt-outside';

/**
 * A package that registers a method and a data set, as anybody could publish it: JavaScript, packed by npm, knowing nothing but `mudpt`.
 *
 * @param {string} to folder
 * @returns {Promise<string>} the tarball
 */
async function packOutside(to) {
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
  return join(to, filename);
}

/**
 * A project with nothing but the tarballs.
 *
 * @param {string} folder
 * @param {{ name: string, tarball: string, folder: string }[]} packed
 * @param {string} outside tarball of a package outside of the repository
 */
async function install(folder, packed, outside) {
  const files = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
  const links = dependenciesHere(packed);
  const manifest = {
    private: true,
    type: 'module',
    dependencies: { ...files, [OUTSIDE]: `file:${outside}`, webgpu: links['webgpu'] },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(
    join(folder, 'pnpm-workspace.yaml'),
    `overrides:\n${Object.entries({ ...links, ...files })
      .map(([name, place]) => `  '${name}': '${place}'\n`)
      .join('')}`,
  );
  await pnpm(['install', '--offline', '--ignore-scripts'], folder);
  console.log('ok    the tarballs install');
  for (const { name } of packed) checkPage(join(folder, 'node_modules', name));
  console.log('ok    every package has its licence, notice and page, and no link of a page is dead');
}

/** Licence, notice and page of an installed package. @param {string} folder */
function checkPage(folder) {
  const read = (/** @type {string} */ name) => readFileSync(join(folder, name), 'utf8');
  if (!read('LICENSE').includes('MIT License')) throw new Error(`${folder} has no licence`);
  for (const needed of ['OpenAI', 'CLDR', 'LGPL-3.0-or-later'])
    if (!read('NOTICE').includes(needed)) throw new Error(`the notice of ${folder} does not name ${needed}`);
  const { description, keywords } = JSON.parse(read('package.json'));
  if (!description || !(keywords?.length > 0)) throw new Error(`${folder}/package.json has no description or keywords`);
  const page = read('README.md');
  for (const [, target = ''] of page.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^(?:https:|#)/.test(target)) continue;
    const path = join(folder, target.split('#')[0] ?? '');
    if (relative(folder, path).startsWith('..') || !existsSync(path))
      throw new Error(`${folder}/README.md links to ${target}, not in the tarball`);
  }
}

/** A second copy of the engine, as two versions in one tree would be. */
const TWO_COPIES = `import { Device, ones } from '@mudpt/tensor';
import { grad } from '@mudpt/autograd';
const other = await import('./second/@mudpt/tensor/dist/index.js');
const told = (body) => { try { body(); return 'nothing'; } catch (error) { return error.message; } };
const device = await Device.open();
console.log(told(() => other.ones([2])));
const second = await other.Device.open();
console.log(told(() => ones([2]).add(other.ones([2]))));
console.log(told(() => grad((x) => x.sum())(other.ones([2]))));
device.dispose();
second.dispose();
`;

/** Methods come by augmenting a module, which a bundler of declarations would lose. */
const METHODS = `import type { Tensor } from '@mudpt/tensor';
export const chained = (x: Tensor): Tensor => x.mul(2).sum(-1, { keepdim: true });
// @ts-expect-error -- an axis is a number
export const refused = (x: Tensor): Tensor => x.sum('last');
`;

/** Examples in TypeScript: they are checked, run by Node, bundled, and run by a page. */
const TYPED = ['xor.ts', 'clip.ts', 'learn.ts'];

/** Decodes on a thread, whose module is found through the manifest. */
const WORKER = `import { createImageLoader } from '@mudpt/clip';
const loader = createImageLoader({ size: 8, workers: 1 });
console.log((await loader.load('square.png')).length, 'bytes');
await loader.close();
`;

/** A red square. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR42mP4z8AARAwQCgAf7gP9Y167WwAAAABJRU5ErkJggg==';

/** The entries for small bundles know no methods. */
const SMALL = `import { mul, type Tensor } from '@mudpt/tensor/functions';
import { Linear } from '@mudpt/autograd/functions';
export const layer = (x: Tensor): Tensor => new Linear(2, 2).forward(mul(x, 2));
// @ts-expect-error -- a method
export const refused = (x: Tensor): Tensor => x.mul(2);
`;

/** What the small programs of test/bundles print. */
const PRINTED = { 'pointwise.mjs': /^\[ 0, 3, 5 \]$/, 'three-ops.mjs': /^58$/, 'mlp.mjs': /^loss 0\.\d+ to 0\.0\d$/ };

/** The compilers that declarations are checked with: packages of tools/. */
const COMPILERS = ['typescript-5.7', 'typescript-5.9', 'typescript'];

/** @param {string} folder */
async function checkTypes(folder) {
  writeFileSync(join(folder, 'methods.ts'), METHODS);
  writeFileSync(join(folder, 'small.ts'), SMALL);
  for (const version of COMPILERS)
    for (const resolution of ['bundler', 'nodenext']) {
      // What `tsc --init` gives, and libraries are checked too: no `lib`, no `types` of the reader's own.
      const options = {
        strict: true,
        noEmit: true,
        skipLibCheck: false,
        target: 'es2023',
        module: resolution === 'bundler' ? 'esnext' : 'nodenext',
        moduleResolution: resolution,
        types: [],
      };
      const config = join(folder, `tsconfig.${version}.${resolution}.json`);
      writeFileSync(config, JSON.stringify({ compilerOptions: options, files: [...TYPED, 'methods.ts'] }));
      const { bin } = JSON.parse(readFileSync(join(ROOT, 'tools', 'node_modules', version, 'package.json'), 'utf8'));
      const tsc = join(ROOT, 'tools', 'node_modules', version, bin.tsc);
      await run(process.execPath, [tsc, '-p', config], folder);
      const small = join(folder, `tsconfig.small.${version}.${resolution}.json`);
      writeFileSync(small, JSON.stringify({ compilerOptions: options, files: ['small.ts'] }));
      await run(process.execPath, [tsc, '-p', small], folder);
      console.log(`ok    declarations under ${version}, moduleResolution ${resolution}, libraries checked too`);
    }
}

/** Bundles an example as a page; returns the folder to serve. @param {string} folder @param {string} name */
async function bundle(folder, name) {
  const root = join(folder, `page-${name}`);
  mkdirSync(root);
  writeFileSync(join(root, name), `${example(name).program}\nconsole.log('the end');\n`);
  writeFileSync(join(root, 'index.html'), `<!doctype html><script type="module" src="./${name}"></script>`);
  const built = await build({ root, configFile: false, logLevel: 'error', build: { target: 'esnext' } });
  const outputs = /** @type {import('vite').Rollup.RollupOutput[]} */ ([built].flat()).flatMap(({ output }) => output);
  const code = outputs.map((file) => (file.type === 'chunk' ? file.code : '')).join('\n');
  if (/\b(?:from|import)\s*\(?\s*["'`](?:node:|webgpu)/.test(code)) throw new Error(`the bundle of ${name} imports from Node`);
  console.log(`ok    Vite bundles ${name}: ${(gzipSync(code).length / 1024).toFixed(0)} kB gzipped, nothing of Node inside`);
  return join(root, 'dist');
}

/**
 * Small programs run without the methods of tensors, and weigh no more than they may, as Vite and as esbuild bundle them.
 *
 * @param {string} project
 */
async function checkSmall(project) {
  const esbuild = createRequire(createRequire(import.meta.url).resolve('vite'))('esbuild');
  for (const [name, most] of Object.entries(BUDGETS)) {
    const file = join(project, name);
    cpSync(join(ROOT, 'test', 'bundles', name), file);
    const prints = PRINTED[/** @type {keyof typeof PRINTED} */ (name)];
    const launcher = join(project, 'node_modules', '.bin', 'mudpt-launch');
    expectMatch((await run(launcher, ['node', name], project)).trim(), prints, `${name} runs without methods`);
    const { outputFiles } = await esbuild.build({
      ...{ entryPoints: [file], bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022' },
      ...{ write: false, outdir: project, logLevel: 'error' },
    });
    const sizes = { Vite: await bundledSize(project, file), esbuild: gzipSync(outputFiles[0].contents, { level: 9 }).length };
    for (const [bundler, size] of Object.entries(sizes)) {
      if (size > most) throw new Error(`${name} bundled by ${bundler} weighs ${size} bytes gzipped, and may weigh ${most}`);
      console.log(`ok    ${bundler} bundles ${name}: ${(size / 1000).toFixed(1)} kB gzipped`);
    }
  }
}

/** Serves a folder and collects what its page prints. @param {string} site @param {string} executablePath */
async function visit(site, executablePath) {
  const types = { '.html': 'text/html', '.js': 'text/javascript' };
  const server = createServer((request, response) => {
    const path = request.url === '/' ? '/index.html' : ((request.url ?? '/').split('?')[0] ?? '/');
    try {
      const body = readFileSync(join(site, path));
      response
        .writeHead(200, { 'content-type': types[/** @type {keyof typeof types} */ (extname(path))] ?? 'text/plain' })
        .end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  const args = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--no-sandbox'];
  const browser = await chromium.launch({ executablePath, args });
  try {
    const page = await browser.newPage();
    /** @type {string[]} */
    const lines = [];
    const ended = new Promise((resolve, reject) => {
      page.on('console', (message) => {
        if (message.text() === 'the end') resolve(undefined);
        else if (message.type() === 'log') lines.push(message.text());
      });
      page.on('pageerror', reject);
    });
    await page.goto(`http://127.0.0.1:${address.port}/`);
    await ended;
    return lines.join('\n');
  } finally {
    await browser.close();
    server.close();
  }
}

/** Everything that a shell starts. @param {string} project */
async function useFromNode(project) {
  const command = (/** @type {string} */ name) => join(project, 'node_modules', '.bin', name);
  for (const name of ['node.mjs', 'kernel.mjs']) {
    const { program, prints } = example(name);
    writeFileSync(join(project, name), program);
    expectMatch((await run(command('mudpt-launch'), ['node', name], project)).trim(), prints, `mudpt-launch node ${name}`);
  }
  for (const name of TYPED)
    expectMatch(
      (await run(join(ROOT, 'node_modules', '.bin', 'tsx'), [name], project)).trim(),
      example(name).prints,
      `Node runs ${name}`,
    );
  expectMatch(
    await run(command('mudpt-launch'), ['doctor'], project),
    /^Chosen: \w+[\s\S]*product of 512 x 512 +[\d.]+ ms .*right$/m,
    'mudpt-launch doctor',
  );
  const refused = await run(command('mudpt-launch'), ['tune', 'gem'], project).catch(
    (/** @type {Error} */ error) => error.message,
  );
  expectMatch(refused, /tune: no kernel family is called gem; use .*gemm/, 'mudpt-launch tune');
  const second = join(project, 'second');
  cpSync(join(project, 'node_modules', '@mudpt', 'tensor'), join(second, '@mudpt', 'tensor'), {
    recursive: true,
    dereference: true,
  });
  cpSync(join(project, 'node_modules', '@mudpt', 'shaders'), join(second, 'node_modules', '@mudpt', 'shaders'), {
    recursive: true,
    dereference: true,
  });
  writeFileSync(join(project, 'copies.mjs'), TWO_COPIES);
  const both =
    /^ones: no device is open; there are two copies of @mudpt\/tensor, .*second.*\nadd: .* of another copy of @mudpt\/tensor, .*\ngrad: .* of another copy/m;
  expectMatch(await run(command('mudpt-launch'), ['node', 'copies.mjs'], project), both, 'two copies of the engine are named');
  writeFileSync(join(project, 'square.png'), Buffer.from(PNG, 'base64'));
  writeFileSync(join(project, 'worker.mjs'), WORKER);
  expectMatch(await run(process.execPath, ['worker.mjs'], project), /^192 bytes$/m, 'a thread decodes');
  const labels = ['--label', 'red', '--label', 'blue', '--format', 'csv'];
  const words = ['zeroshot', 'node_modules/mudpt/assets/clip', 'square.png', ...labels];
  expectMatch(await run(command('mudpt-clip'), words, project), /^square\.png,1,(?:red|blue),0\.\d+/m, 'mudpt-clip zeroshot');
  const estimate = await run(command('mudpt'), ['train', '--shots', '1', '--dry-run'], project);
  expectMatch(estimate, /^18 classes, 18 training and 242 test pictures/m, 'mudpt train --dry-run');
}

/** Trains by the API until the first epoch has ended, and says where. */
const STOPPED = `import { Device } from '@mudpt/tensor';
import { train } from 'mudpt';
const device = await Device.open();
const stop = new AbortController();
const { summary, folder } = await train(
  {
    ...{ plugins: ['${OUTSIDE}'], data: 'drawings', root: '.', method: 'shared-vpt', classes: 'base', shots: 2 },
    ...{ settings: { depth: 2 }, training: { epochs: 2, batchSize: 2 }, alternatives: false },
  },
  { device, signal: stop.signal, observer: { onEpoch: () => stop.abort() } },
);
console.log(summary.state, folder.path);
device.dispose();
`;

/** A method and a data set that come from another package, by the API and by the command. @param {string} project */
async function useOutside(project) {
  const command = (/** @type {string} */ name) => join(project, 'node_modules', '.bin', name);
  await writeShapes(join(project, 'drawings'), { train: 2, test: 2 });
  writeFileSync(join(project, 'stopped.mjs'), STOPPED);
  const stopped = await run(command('mudpt-launch'), ['node', 'stopped.mjs'], project);
  expectMatch(
    stopped,
    /^stopped runs\S+seed1$/m,
    'a method and a data set of another package are trained by the API, and stopped',
  );
  const path = /^stopped (\S+)$/m.exec(stopped)?.[1] ?? '';
  expectMatch(
    await run(command('mudpt'), ['train', '--resume', path], project),
    /^gain: /m,
    'mudpt train --resume loads the plugin',
  );
  const evaluated = await run(command('mudpt'), ['evaluate', path, '--classes', 'new'], project);
  expectMatch(evaluated, /^drawings, new classes \(2\), 4 test pictures/m, 'mudpt evaluate on new classes loads it too');
  const words = ['train', '--plugin', OUTSIDE, '--data', 'drawings', '--root', '.', '--method', 'shared-vpt', '--depth', '2'];
  const dry = await run(command('mudpt'), [...words, '--shots', '1', '--dry-run'], project);
  expectMatch(dry, /^4 classes, 4 training and 8 test pictures/m, 'mudpt train --plugin');
  writeFileSync(join(project, 'typed.ts'), `const name: string = '${OUTSIDE}';\nawait import(name);\n`);
  const typed = run(command('mudpt'), ['train', '--plugin', './typed.ts', '--method', 'shared-vpt', '--help'], project);
  const told = await typed.catch((/** @type {Error} */ error) => error.message);
  const reads = 'features' in process && /** @type {{ typescript?: unknown }} */ (process.features).typescript;
  expectMatch(
    told,
    reads ? /VPT with shared/ : /reads no TypeScript by itself: use Node 22\.18 or later/,
    'mudpt --plugin FILE.ts',
  );
}

/** Everything that a page runs. @param {string} project */
async function useFromPages(project) {
  const executable = findChromium();
  if (!executable) console.log('skip  Chromium: none was found (set CHROMIUM to its path)');
  for (const name of ['browser.mjs', ...TYPED]) {
    const site = await bundle(project, name);
    if (executable) expectMatch(await visit(site, executable), example(name).prints, `Chromium runs the bundle of ${name}`);
  }
}

/** Waits for every part, so that the folder outlives them all, then throws what the first failed one did. @param {Promise<void>[]} parts */
async function allOf(parts) {
  for (const part of await Promise.allSettled(parts)) if (part.status === 'rejected') throw part.reason;
}

const folder = mkdtempSync(join(tmpdir(), 'mudpt-pack-'));
try {
  const project = join(folder, 'project');
  mkdirSync(project);
  const packed = await Promise.all(PUBLISHED.map((name) => pack(name, folder)));
  await install(project, packed, await packOutside(folder));
  for (const name of TYPED) writeFileSync(join(project, name), example(name).program);
  await allOf([
    useFromNode(project).then(() => useOutside(project)),
    checkTypes(project),
    useFromPages(project),
    checkSmall(project),
  ]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
