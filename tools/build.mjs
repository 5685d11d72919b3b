#!/usr/bin/env node
// cd packages/NAME && node ../../tools/build.mjs
//
// Builds the package in the current folder for publishing: dist/ mirrors src/, one file a module, so that bundlers drop what is not
// used and a stack trace names the file. What is built follows from `publishConfig`: its exports and imports are the entries.
// `pnpm pack` runs it.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { markPure } from './pure.mjs';
import { shortenUsing } from './using.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Packages of which small bundles are made. */
const SMALL = ['@mudpt/tensor', '@mudpt/autograd'];

/**
 * The sources of the built files that a package's manifest names.
 *
 * @param {unknown} value exports, imports or a part of them
 * @returns {string[]} such as src/index.ts
 */
export function entriesOf(value) {
  if (typeof value === 'string') {
    const built = /^\.\/dist\/(.+?)\.js$/.exec(value);
    return built ? [`src/${built[1]}.ts`] : [];
  }
  if (typeof value !== 'object' || value === null) return [];
  return [...new Set(Object.values(value).flatMap(entriesOf))];
}

/**
 * Declarations as published: relative imports name the built file instead of the source.
 *
 * @param {string} text
 */
export function rewriteSpecifiers(text) {
  return text.replace(/(\b(?:from|import|module)\s*\(?\s*)(['"])(\.{1,2}\/[^'"]+)\.ts\2/g, '$1$2$3.js$2');
}

/**
 * Declarations that a strict program without settings of its own can check: what they use beyond the default libraries is named.
 *
 * @param {string} text
 * @param {boolean} hasWebGpu whether the package depends on @webgpu/types
 */
export function nameLibraries(text, hasWebGpu) {
  const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
  const node = /\bfrom '(node:[\w/]+)'/.exec(code);
  if (node)
    throw new Error(`a declaration imports ${node[1]}, whose types a program for pages lacks: describe what is needed of it`);
  const lines = [];
  if (/\bSymbol\.(?:async)?[dD]ispose\b|\b(?:Async)?Disposable\b/.test(code))
    lines.push('/// <reference lib="esnext.disposable" />');
  if (/\bGPU[A-Z]\w*/.test(code)) {
    if (!hasWebGpu) throw new Error('a declaration names a WebGPU type, and the package does not depend on @webgpu/types');
    lines.push("import '#webgpu-types';");
  }
  return [...lines, text].join('\n');
}

/** @param {string} folder of the package */
async function buildPackage(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const { dependencies, optionalDependencies, peerDependencies, publishConfig } = manifest;
  const entry = entriesOf({ exports: publishConfig.exports, imports: publishConfig.imports });
  // Here, so that the functions above can be tested where the tools are not installed.
  const { build } = await import('tsdown');
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  await build({
    cwd: folder,
    config: false,
    logLevel: 'warn',
    entry,
    format: 'esm',
    platform: 'neutral',
    target: 'es2023',
    unbundle: true,
    fixedExtension: false,
    dts: false,
    sourcemap: true,
    // For esbuild and webpack, which see only in a call itself that it may be dropped.
    plugins: [{ name: 'pure', transform: (code, id) => (id.endsWith('.ts') ? { code: markPure(code), map: null } : undefined) }],
    // Which platform's file `#gpu` means is decided where the package is used.
    deps: { neverBundle: [/^#/, /^node:/, ...Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })] },
  });
  if (SMALL.includes(manifest.name)) shortenUsing(folder);
  const config = join(folder, 'dist', 'tsconfig.json');
  const options = {
    noEmit: false,
    emitDeclarationOnly: true,
    declaration: true,
    allowJs: false,
    checkJs: false,
    rootDir: '../src',
    outDir: '.',
  };
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: options,
      include: [],
      files: entry.map((file) => `../${file}`),
    }),
  );
  execFileSync(join(ROOT, 'tools', 'node_modules', '.bin', 'tsc'), ['-p', config], { stdio: 'inherit' });
  rmSync(config);
  for (const name of readdirSync(join(folder, 'dist'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.d.ts')) continue;
    const file = join(folder, 'dist', name);
    writeFileSync(file, nameLibraries(rewriteSpecifiers(readFileSync(file, 'utf8')), '@webgpu/types' in (dependencies ?? {})));
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) await buildPackage(process.cwd());
