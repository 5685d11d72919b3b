// Commands that the checks start, and what these must print.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { exampleOf, examples } from '../../test/readme/examples.ts';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A command that hangs would never end the check. */
const LIMIT_MS = 15 * 60_000;

/**
 * @param {string} command
 * @param {readonly string[]} words
 * @param {string} cwd
 * @param {NodeJS.ProcessEnv} [env] default: that of this process
 * @returns {Promise<string>} what it printed
 * @throws {Error} where it ends with another code than 0, with what it printed
 */
export async function run(command, words, cwd, env = process.env) {
  const child = promisify(execFile)(command, [...words], { cwd, env, maxBuffer: 2 ** 26, timeout: LIMIT_MS });
  child.child.stdin?.end();
  return child.then(
    ({ stdout }) => stdout,
    (/** @type {Error & { stdout?: string }} */ error) => {
      throw new Error(`${error.message}\n${error.stdout ?? ''}`);
    },
  );
}

/** What a command that must fail says. @param {Parameters<typeof run>} words */
export function refusal(...words) {
  return run(...words).then(
    (output) => {
      throw new Error(`${words[0]} ${words[1].join(' ')} should have failed, and printed\n${output}`);
    },
    (/** @type {Error} */ error) => error.message,
  );
}

/** @param {string[]} words @param {string} cwd */
export const pnpm = (words, cwd) => run('npx', ['--yes', 'pnpm@12', ...words], cwd);

/** @param {string} output @param {RegExp} prints @param {string} what */
export function expectMatch(output, prints, what) {
  if (!prints.test(output)) throw new Error(`${what} printed\n${output}\nwhich does not match ${prints}`);
  console.log(`ok    ${what}`);
}

/** An example of the READMEs. @param {string} name @returns {{ program: string, prints: RegExp }} */
export function example(name) {
  const found = examples.find((one) => one.name === name);
  if (!found) throw new Error(`there is no example ${name}`);
  return { program: exampleOf(readFileSync(join(ROOT, found.page), 'utf8'), name), prints: found.prints };
}

/** Waits for every part, so that their folder outlives them all, then throws what the first failed one did. @param {Promise<void>[]} parts */
export async function allOf(parts) {
  for (const part of await Promise.allSettled(parts)) if (part.status === 'rejected') throw part.reason;
}
