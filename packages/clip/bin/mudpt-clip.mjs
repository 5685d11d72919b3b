#!/usr/bin/env node
// mudpt-clip [--adapter gpu|lavapipe|swiftshader|software] zeroshot|embed ...: the command line, started under the right Vulkan driver.
import { fileURLToPath } from 'node:url';
import { launch } from '@mudpt/tensor/launcher';

const program = fileURLToPath(import.meta.resolve('@mudpt/clip/cli'));
launch(process.argv.slice(2), { name: 'mudpt-clip', before: [process.execPath, program] });
