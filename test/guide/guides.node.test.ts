/**
 * The guides and the examples of docstrings run: the `ts` blocks of a page are one program, all in one process, and what `console.log(...); // value` prints is what its comment says. The names
 * in the tables of docs/coming-from.md exist, and every public export has a docstring.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import * as autograd from '@mudpt/autograd';
import * as tensor from '@mudpt/tensor';
import * as kernels from '@mudpt/tensor/kernels';
import { exampleProgram } from './doc-examples.ts';
import { undocumented } from './docstrings.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GUIDES = join(ROOT, 'docs', 'guide');
const FOLDER = join(ROOT, '.cache', 'guide');

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
/** What `console.log(...); // value` of a program is to print. */
const said = (program: string): (string | undefined)[] =>
  [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, value]) => value);

/** Runs programs one after another in a process of their own, as its only users of a device. @returns what each printed */
async function printed(programs: Readonly<Record<string, string>>): Promise<Record<string, string[]>> {
  mkdirSync(FOLDER, { recursive: true });
  for (const [name, program] of Object.entries(programs)) writeFileSync(join(FOLDER, `${name}.ts`), program);
  const names = JSON.stringify(Object.keys(programs));
  const main = `
    const print = console.log;
    const shown = (value) => (typeof value === 'string' ? value : JSON.stringify(ArrayBuffer.isView(value) ? [...value] : value));
    for (const name of ${names}) {
      console.log = (...values) => print(JSON.stringify([name, values.map(shown).join(' ')]));
      await import(\`./\${name}.ts\`);
    }`;
  writeFileSync(join(FOLDER, 'main.mjs'), main);
  const tsx = join(ROOT, 'node_modules', 'tsx', 'dist', 'cli.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [tsx, join(FOLDER, 'main.mjs')], { cwd: ROOT });
  const lines = stdout.split('\n').filter((line) => line.startsWith('['));
  const all = lines.map((line) => JSON.parse(line) as [string, string]);
  return Object.fromEntries(
    Object.keys(programs).map((name) => [name, all.filter(([of]) => of === name).map(([, text]) => text)]),
  );
}

// Programs for readers; what their kernels compute, the tests of ops check on every adapter.
const isElsewhere = process.env['TEST_ANOTHER_ADAPTER'] === '1';

it.skipIf(isElsewhere)('the guides and the examples of docstrings run and print what they say', async () => {
  const { program, count } = exampleProgram(ROOT, ['packages/tensor/src', 'packages/autograd/src'], {
    '@mudpt/tensor': tensor,
    '@mudpt/tensor/kernels': kernels,
    '@mudpt/autograd': autograd,
  });
  expect(count).toBeGreaterThan(75);
  const guides = readdirSync(GUIDES).map((page) => [
    page.replace(/\.md$/, ''),
    [...read(`docs/guide/${page}`).matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code).join('\n'),
  ]);
  const programs = Object.fromEntries([...guides, ['docstrings', program]]) as Record<string, string>;
  for (const [name, text] of Object.entries(programs)) expect(said(text).length, name).toBeGreaterThan(0);
  expect(await printed(programs)).toEqual(Object.fromEntries(Object.entries(programs).map(([name, text]) => [name, said(text)])));
});

it('the names in the tables of other libraries exist', () => {
  const here = read('docs/coming-from.md')
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .flatMap((line) => [...(line.split(' | ')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, code = '']) => code));
  const functions = { ...tensor, ...autograd } as Readonly<Record<string, unknown>>;
  const methods = [tensor.Tensor, tensor.Device, autograd.AdamW, autograd.Optimizer].map(({ prototype }) => prototype as object);
  const unknown = here.flatMap((code) =>
    [...code.matchAll(/(\.?)\b(\w+)\(/g)]
      .filter(([, dot, name = '']) => (dot ? !methods.some((prototype) => name in prototype) : !(name in functions)))
      .map(([, , name]) => `${name} in ${code}`),
  );
  expect(here.length).toBeGreaterThan(40);
  expect(unknown).toEqual([]);
});

it('every public export has a docstring', () => {
  const { entryPoints } = JSON.parse(read('tools/reference/typedoc.json')) as { entryPoints: string[] };
  const { exported, silent } = undocumented(
    ROOT,
    entryPoints.map((path) => path.replace('../../', '')),
  );
  expect(exported).toBeGreaterThan(900);
  expect(silent).toEqual([]);
});
