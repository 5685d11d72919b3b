/** Command lines as users type them. */
import { dirname, relative, resolve } from 'node:path';
import { chdir, cwd, env } from 'node:process';

/** How the command line is started: a script of the workspace, or the command of the installed package. */
const START = import.meta.url.endsWith('.ts') ? 'pnpm' : 'npx mudpt';

/** A line to type: `pnpm train --resume runs/a`. */
export function command(words: string): string {
  return `${START} ${words}`;
}

/** A path in its shortest form for the present folder: relative within it, absolute outside of it. */
export function pathFromHere(path: string): string {
  const short = relative('.', path) || '.';
  return short.startsWith('..') ? resolve(path) : short;
}

/**
 * Package managers start scripts in the folder of their package; paths count from where the command was typed. A script that changed its
 * folder by itself keeps it.
 */
export function standWhereThePersonStands(): void {
  const { INIT_CWD: typed, npm_package_json: manifest } = env;
  if (typed && manifest && resolve(dirname(manifest)) === resolve(cwd())) chdir(typed);
}
