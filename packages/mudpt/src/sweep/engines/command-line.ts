/** The command line for an engine on other machines: absolute paths, and the launcher first, which chooses that machine's adapter. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface CommandLine {
  /** Folder to start in. */
  readonly folder: string;
  readonly words: readonly string[];
}

/** The words before `sweep run ...`. */
export function commandLine(): CommandLine {
  const here = fileURLToPath(import.meta.url);
  const packageFolder = join(dirname(here), '..', '..', '..');
  if (!here.endsWith('.ts')) return { folder: packageFolder, words: [process.execPath, join(packageFolder, 'bin', 'mudpt.mjs')] };
  const root = join(packageFolder, '..', '..');
  const program = join(packageFolder, 'src', 'cli', 'main.ts');
  return { folder: root, words: [process.execPath, join(root, 'scripts', 'launch.mjs'), 'node', '--import', 'tsx', program] };
}

/** A word as a POSIX shell reads it. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
