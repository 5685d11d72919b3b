#!/usr/bin/env node
// mudpt [--adapter gpu|lavapipe|swiftshader|software] train|evaluate|...: the command line, started under the right Vulkan driver.
import { fileURLToPath } from 'node:url';
import { launch } from '@mudpt/tensor/launcher';

const program = fileURLToPath(import.meta.resolve('mudpt/cli'));
launch(process.argv.slice(2), { name: 'mudpt', before: [process.execPath, program] });
