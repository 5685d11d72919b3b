#!/usr/bin/env node
// node scripts/launch.mjs [--adapter gpu|lavapipe|swiftshader|software] COMMAND ARGUMENTS...
//
// The engine's launcher (`mudpt-launch` where the package is installed), with the commands of this workspace at hand from any folder.
import { fileURLToPath } from 'node:url';
import { launch } from '@mudpt/tensor/launcher';

launch(process.argv.slice(2), { name: 'node scripts/launch.mjs', folder: fileURLToPath(new URL('..', import.meta.url)) });
