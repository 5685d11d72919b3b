#!/usr/bin/env node
// pnpm adapters [--adapter gpu|lavapipe|swiftshader|software]
//
// The report of `mudpt-launch doctor` for this repository: it also finds the browser of the tests and measures peaks.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { doctor } from '@mudpt/tensor/launcher';
import { findChromium } from './chromium.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

const [option, value] = process.argv.slice(2);
const forced = option === '--adapter' ? value : process.env.MUDPT_ADAPTER || undefined;
const tsx = join(ROOT, 'node_modules', 'tsx', 'dist', 'cli.mjs');
const browser = `browser tests: ${findChromium() ?? 'no Chromium or Chrome found; set CHROMIUM to its path'}`;
doctor(forced, [tsx, join(ROOT, 'scripts', 'adapters', 'device.ts')], [browser]);
