#!/usr/bin/env node
// The command `mudpt-launch`: starts a command under the chosen adapter, or is one itself.
//
//   mudpt-launch [--adapter gpu|lavapipe|swiftshader|software] COMMAND ARGUMENTS...
//   mudpt-launch doctor [--adapter ...]     adapters, features, limits, advice
//   mudpt-launch tune [FAMILY...]           measures kernel variants on this adapter
//   mudpt-launch -- doctor                  a command of yours that is called as one of these
import { fileURLToPath } from 'node:url';
import { doctor } from './doctor.mjs';
import { launch, parseArguments } from './launch.mjs';

const program = (/** @type {string} */ name) => fileURLToPath(new URL(name, import.meta.url));

const words = process.argv.slice(2);
const wanted = parseArguments(words, process.env);
const [name, ...rest] = wanted?.command ?? [];
const options = words.slice(0, words.length - (wanted?.command.length ?? 0));
const built = !options.includes('--');

if (built && name === 'doctor') {
  const after = parseArguments(rest, process.env);
  const odd = after?.command ?? [];
  if (odd.length > 0) {
    console.error(`mudpt-launch doctor: '${odd[0]}' is not known here; usage: mudpt-launch doctor [--adapter KIND]`);
    process.exitCode = 2;
  } else {
    const given = parseArguments([...options, ...rest, 'doctor'], process.env);
    doctor(given?.adapter, [program('./device.mjs')]);
  }
} else if (built && name === 'tune') launch([...options, process.execPath, program('./tune.mjs'), ...rest]);
else launch(words);
