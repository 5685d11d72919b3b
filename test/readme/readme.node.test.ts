import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { exampleOf, examples } from './examples.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(ROOT, '.cache', 'readme');

/** Runs a program in a process of its own, as a reader would, on the adapter of this one. */
async function run(name: string, program: string): Promise<string> {
  const file = join(FOLDER, name);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(file, program);
  const tsx = join(ROOT, 'node_modules', 'tsx', 'dist', 'cli.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [tsx, file], { cwd: ROOT });
  return stdout.trim();
}

describe('the examples of the READMEs, each a process', () => {
  it.each(examples.map((example) => [`${example.page}: ${example.name}`, example] as const))('%s', async (_, example) => {
    const { page, name, prints } = example;
    const program = exampleOf(readFileSync(join(ROOT, page), 'utf8'), name);
    expect(await run(name, program)).toMatch(prints);
  });

  it('says which example is missing', () => {
    expect(() => exampleOf('# Nothing here', 'node.mjs')).toThrow('no block marked <!-- example: node.mjs -->');
  });
});
