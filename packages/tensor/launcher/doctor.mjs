// mudpt-launch doctor [--adapter gpu|lavapipe|swiftshader|software]
//
// What this machine can run on: every driver found, why the others do not serve, what the chosen one offers and does, and how
// to get a faster one. Exit code 1 when nothing works.
import { spawnSync } from 'node:child_process';
import { arch, release } from 'node:os';
import { advice } from './advice.mjs';
import { chooseAdapter, examineAdapters, NoAdapterError } from './choose.mjs';

/**
 * Prints the report and sets the exit code.
 *
 * @param {string | undefined} forced the adapter to take; undefined takes the best
 * @param {readonly string[]} program what Node runs to report on the chosen adapter, in a process of its own because Dawn reads its
 *   driver when a process starts
 * @param {readonly string[]} [notes] lines after the list of adapters
 */
export function doctor(forced, program, notes = []) {
  try {
    process.exitCode = report(forced, program, notes);
  } catch (error) {
    if (!(error instanceof NoAdapterError)) throw error;
    console.error(`\n${error.message}`);
    process.exitCode = 1;
  }
}

/** @param {string | undefined} forced @param {readonly string[]} program @param {readonly string[]} notes @returns {number} exit code */
function report(forced, program, notes) {
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
  for (const note of notes) console.log(`  ${note}`);

  console.log(`\nChosen: ${chosen.kind}${forced ? ', forced' : ''}. Programs started by the launcher get it.`);
  for (const name of ['VK_DRIVER_FILES', 'LD_LIBRARY_PATH', 'MESA_SHADER_CACHE_DIR']) {
    if (chosen.environment[name]) console.log(`  ${name}=${chosen.environment[name]}`);
  }

  const child = spawnSync(process.execPath, program, {
    stdio: ['ignore', 'inherit', 'pipe'],
    env: { ...chosen.environment, MUDPT_ADAPTER: chosen.kind },
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
