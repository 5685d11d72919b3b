// mudpt-launch [--adapter gpu|lavapipe|swiftshader|software] COMMAND ARGUMENTS...
//
// Picks the Vulkan driver and starts COMMAND under it. This is a process of its own because the dynamic linker and the
// Vulkan loader read their variables when the process that opens Dawn starts; setting them later is too late.
// MUDPT_ADAPTER is the same as --adapter; MUDPT_QUIET=1 hides the line that tells the choice.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { chooseAdapter, NoAdapterError } from './choose.mjs';

/**
 * Splits the launcher's own options from the command: options end at the first word that is not one of them.
 *
 * @param {readonly string[]} words
 * @param {NodeJS.ProcessEnv} environment
 * @param {readonly string[]} [before] words that the command begins with
 * @returns {{ adapter: string | undefined, command: string[] } | undefined} undefined when there is no command
 */
export function parseArguments(words, environment, before = []) {
  let adapter = environment.MUDPT_ADAPTER || undefined;
  let start = 0;
  for (; start < words.length; start++) {
    const word = words[start] ?? '';
    if (word === '--adapter') adapter = words[++start];
    else if (word.startsWith('--adapter=')) adapter = word.slice('--adapter='.length);
    else break;
  }
  const command = [...before, ...words.slice(words[start] === '--' ? start + 1 : start)];
  return command.length > 0 ? { adapter, command } : undefined;
}

/**
 * Where commands of packages are: the `node_modules/.bin` of `folder` and of every folder above it, as npm looks for them.
 *
 * @param {string} folder
 * @returns {string[]}
 */
function binFolders(folder) {
  const above = dirname(folder);
  return [join(folder, 'node_modules', '.bin'), ...(above === folder ? [] : binFolders(above))];
}

/**
 * Starts the command, passes signals on, and ends as it ends.
 *
 * @param {string[]} command
 * @param {NodeJS.ProcessEnv} environment
 * @param {readonly string[]} bins folders of commands, before those on the PATH
 */
function start(command, environment, bins) {
  const env = { ...environment, PATH: [...bins, environment.PATH].filter(Boolean).join(delimiter) };
  const shell = process.platform === 'win32'; // .cmd files need one
  const [name = '', ...rest] = shell
    ? command.map((word) => (/[\s"&|<>^]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word))
    : command;
  const child = spawn(name, rest, { stdio: 'inherit', env, shell });
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP', 'SIGINT'])) {
    // A terminal sends Ctrl-C to the whole foreground group: the child has it already.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)));
  }
  child.on('error', (error) => {
    const missing = 'code' in error && error.code === 'ENOENT';
    console.error(
      missing ? `launch: there is no command '${name}' in node_modules/.bin or on the PATH` : `launch: ${error.message}`,
    );
    process.exitCode = missing ? 127 : 126;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0);
  });
}

/**
 * The whole program: chooses the adapter, starts the command, sets the exit code.
 *
 * @param {readonly string[]} words the command line after the program's name
 * @param {{ name?: string, folder?: string, before?: readonly string[] }} [options] name: how the program is called, for its usage;
 *   folder: one whose commands are found too, wherever the program is started; before: the words that the command begins with, for a
 *   program that is always the same
 */
export function launch(words, { name = 'mudpt-launch', folder, before = [] } = {}) {
  const wanted = parseArguments(words, process.env, before);
  if (!wanted) {
    console.error(`usage: ${name} [--adapter gpu|lavapipe|swiftshader|software] COMMAND ARGUMENTS...`);
    process.exitCode = 2;
    return;
  }
  try {
    const choice = chooseAdapter(wanted.adapter);
    if (!process.env.MUDPT_QUIET) console.error(`adapter: ${choice.kind}, ${choice.name} (${choice.source})`);
    const bins = [...binFolders(process.cwd()), ...(folder === undefined ? [] : binFolders(folder))];
    start(wanted.command, { ...choice.environment, MUDPT_ADAPTER: choice.kind }, bins);
  } catch (error) {
    if (!(error instanceof NoAdapterError)) throw error;
    console.error(`launch: ${error.message}`);
    process.exitCode = 1;
  }
}
