#!/usr/bin/env node
// pnpm pack:check
//
// Packs the packages that other projects use and uses them as those projects would: publint reads the tarballs, an empty project
// installs them (offline: nothing but the tarballs, and the `webgpu` that is here), Node runs the READMEs' examples, TypeScript checks
// one under strict settings, Vite bundles two, and Chromium, where there is one, runs the bundles.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { chromium } from 'playwright';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { build } from 'vite';
import { exampleOf, examples } from '../test/readme/examples.ts';
import { findChromium } from './chromium.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PACKAGES = ['shaders', 'packages/tensor', 'packages/autograd'];
const BIN = join(ROOT, 'node_modules', '.bin');

/** @param {string} command @param {string[]} words @param {string} cwd */
const run = (command, words, cwd) =>
  execFileSync(command, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], env: process.env });

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
  const { name, filename } = JSON.parse(pnpm(['pack', '--json', '--pack-destination', to], join(ROOT, folder)));
  const tarball = join(to, basename(filename));
  const bytes = readFileSync(tarball);
  const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(bytes).buffer }, strict: true });
  for (const message of messages) console.error(`${name}: ${formatMessage(message, pkg ?? {})}`);
  if (messages.length > 0) throw new Error(`publint finds fault with ${name}`);
  console.log(`ok    ${name}: ${(bytes.length / 1024).toFixed(0)} kB packed, publint is content`);
  return { name, tarball };
}

/** A project with nothing but the tarballs. @param {string} folder @param {{ name: string, tarball: string }[]} packed */
function install(folder, packed) {
  const files = Object.fromEntries(packed.map(({ name, tarball }) => [name, `file:${tarball}`]));
  const manifest = {
    private: true,
    type: 'module',
    dependencies: { ...files, webgpu: `link:${join(ROOT, 'node_modules', 'webgpu')}` },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(
    join(folder, 'pnpm-workspace.yaml'),
    `overrides:\n${packed.map(({ name }) => `  '${name}': '${files[name]}'\n`).join('')}`,
  );
  pnpm(['install', '--offline', '--ignore-scripts'], folder);
  console.log('ok    the tarballs install');
}

/** Methods come by augmenting a module, which a bundler of declarations would lose. */
const METHODS = `import type { Tensor } from '@mudpt/tensor';
export const chained = (x: Tensor): Tensor => x.mul(2).sum(-1, { keepdim: true });
// @ts-expect-error -- an axis is a number
export const refused = (x: Tensor): Tensor => x.sum('last');
`;

/** @param {string} folder */
function checkTypes(folder) {
  writeFileSync(join(folder, 'xor.ts'), example('xor.ts').program);
  writeFileSync(join(folder, 'methods.ts'), METHODS);
  for (const resolution of ['bundler', 'nodenext']) {
    const options = {
      strict: true,
      noEmit: true,
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable', 'dom', 'dom.iterable'],
      module: resolution === 'bundler' ? 'esnext' : 'nodenext',
      moduleResolution: resolution,
      types: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['xor.ts', 'methods.ts'] }));
    run(join(BIN, 'tsc'), ['-p', folder], folder);
    console.log(`ok    declarations, moduleResolution ${resolution}, libraries checked too`);
  }
}

/** Bundles an example as a page; returns the folder to serve. @param {string} folder @param {string} name */
async function bundle(folder, name) {
  const root = join(folder, `page-${name}`);
  mkdirSync(root);
  writeFileSync(join(root, name), `${example(name).program}\nconsole.log('the end');\n`);
  writeFileSync(join(root, 'index.html'), `<!doctype html><script type="module" src="./${name}"></script>`);
  const built = await build({ root, configFile: false, logLevel: 'error', build: { target: 'esnext' } });
  const outputs = /** @type {import('vite').Rolldown.RolldownOutput[]} */ ([built].flat()).flatMap(({ output }) => output);
  const code = outputs.map((file) => (file.type === 'chunk' ? file.code : '')).join('\n');
  if (/\b(?:from|import)\s*\(?\s*["'`](?:node:|webgpu)/.test(code)) throw new Error(`the bundle of ${name} imports from Node`);
  console.log(`ok    Vite bundles ${name}: ${(gzipSync(code).length / 1024).toFixed(0)} kB gzipped, nothing of Node inside`);
  return join(root, 'dist');
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

const folder = mkdtempSync(join(tmpdir(), 'mudpt-pack-'));
try {
  const project = join(folder, 'project');
  mkdirSync(project);
  const packed = [];
  for (const name of PACKAGES) packed.push(await pack(name, folder));
  install(project, packed);
  for (const name of ['node.mjs', 'kernel.mjs']) {
    const { program, prints } = example(name);
    writeFileSync(join(project, name), program);
    const launcher = join(project, 'node_modules', '.bin', 'mudpt-launch');
    expectMatch(run(launcher, ['node', name], project).trim(), prints, `mudpt-launch node ${name}`);
  }
  checkTypes(project);
  const xor = example('xor.ts');
  expectMatch(run(join(BIN, 'tsx'), ['xor.ts'], project).trim(), xor.prints, 'Node trains xor.ts');
  const executable = findChromium();
  if (!executable) console.log('skip  Chromium: none was found (set CHROMIUM to its path)');
  for (const name of ['browser.mjs', 'xor.ts']) {
    const site = await bundle(project, name);
    if (executable) expectMatch(await visit(site, executable), example(name).prints, `Chromium runs the bundle of ${name}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
