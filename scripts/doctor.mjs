#!/usr/bin/env node
// node scripts/doctor.mjs [--adapter gpu|lavapipe|swiftshader|software]
//
// What this machine can run on: every driver found, why the others do not serve, what the chosen one offers and does, and how
// to get a faster one. Exit code 1 when nothing works.
import { spawnSync } from 'node:child_process';
import { arch, release } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { advice, chooseAdapter, examineAdapters, NoAdapterError } from '@mudpt/tensor/launcher';
import { findChromium } from './chromium.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** @returns {number} exit code */
function main() {
  const [option, value] = process.argv.slice(2);
  const forced = option === '--adapter' ? value : process.env.MUDPT_ADAPTER || undefined;
  console.log(`Node ${process.versions.node} on ${process.platform} ${release()}, ${arch()}`);

  console.log('\nAdapters, in the order of preference');
  const examined = examineAdapters();
  for (const found of examined) {
    console.log(
      'kind' in found
        ? `  works    ${found.kind}: ${found.name} (${found.source})`
        : `  refused  ${found.source}: ${found.reason}`,
    );
  }
  const chosen = forced ? chooseAdapter(forced) : examined.find((found) => 'kind' in found);
  if (!chosen || !('kind' in chosen)) {
    chooseAdapter(undefined); // throws, with what was tried and what helps
    return 1;
  }
  const browser = findChromium();
  console.log(`  browser tests: ${browser ?? 'no Chromium or Chrome found; set CHROMIUM to its path'}`);

  console.log(`\nChosen: ${chosen.kind}${forced ? ', forced' : ''}. Programs started by scripts/launch.mjs get it.`);
  for (const name of ['VK_DRIVER_FILES', 'LD_LIBRARY_PATH', 'MESA_SHADER_CACHE_DIR']) {
    if (chosen.environment[name]) console.log(`  ${name}=${chosen.environment[name]}`);
  }

  const tsx = join(ROOT, 'node_modules', 'tsx', 'dist', 'cli.mjs');
  const program = join(ROOT, 'scripts', 'doctor', 'device.ts');
  const environment = { ...chosen.environment, MUDPT_ADAPTER: chosen.kind };
  const child = spawnSync(process.execPath, [tsx, program], {
    stdio: ['ignore', 'inherit', 'pipe'],
    env: environment,
    encoding: 'utf8',
  });
  // Dawn says this of every lavapipe; it concerns a feature that the engine does not use.
  const said = child.stderr.split('\n').filter((line) => !line.includes('artificially reduced'));
  process.stderr.write(said.join('\n'));

  console.log('\nFor a faster adapter');
  console.log(
    advice(
      process.platform,
      examined.flatMap((found) => ('kind' in found ? [found.kind] : [])),
    ),
  );
  return child.status ?? 1;
}

try {
  process.exitCode = main();
} catch (error) {
  if (!(error instanceof NoAdapterError)) throw error;
  console.error(`\n${error.message}`);
  process.exitCode = 1;
}
