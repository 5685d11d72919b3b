/** What a person types and reads at a prompt. */
import { relative, resolve } from 'node:path';

/** How the command line is started: a script of the workspace, or the command of the installed package. */
const START = import.meta.url.endsWith('.ts') ? 'pnpm' : 'npx mudpt';

/** A line to type: `pnpm train --resume runs/a`. */
export function command(words: string): string {
  return `${START} ${words}`;
}

/** A path as short as it can be said from the present folder: absolute where that would climb out of it. */
export function pathFromHere(path: string): string {
  const short = relative('.', path) || '.';
  return short.startsWith('..') ? resolve(path) : short;
}
