#!/usr/bin/env node
// node bench/launch.mjs [--adapter gpu|lavapipe|swiftshader|software] ARGUMENTS...: bench/main.ts on the adapter that `--adapter`, wherever it stands, or the launcher chooses.
import { fileURLToPath } from 'node:url';
import { launch } from '@mudpt/tensor/launcher';

const path = (/** @type {string} */ relative) => fileURLToPath(new URL(relative, import.meta.url));
const words = process.argv.slice(2);
const at = words.findIndex((word) => word === '--adapter' || word.startsWith('--adapter='));
const adapter = at < 0 ? [] : words.splice(at, words[at]?.includes('=') ? 1 : 2);
launch([...adapter, ...words], { name: 'pnpm bench', folder: path('..'), before: ['tsx', path('main.ts')] });
