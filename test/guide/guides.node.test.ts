/**
 * The guides and the examples of docstrings run: the `ts` blocks of a page are one program, all in this process, and what `console.log(...); // value` prints is what its comment says. The names
 * in the tables of docs/coming-from.md exist, and every public export has a docstring.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as autograd from '@mudpt/autograd';
import * as tensor from '@mudpt/tensor';
import * as kernels from '@mudpt/tensor/kernels';
import { exampleProgram } from './doc-examples.ts';
import { undocumented } from './docstrings.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GUIDES = join(ROOT, 'docs', 'guide');
const FOLDER = join(ROOT, '.cache', 'guide');

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const shown = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(ArrayBuffer.isView(value) ? [...(value as Float32Array)] : value);

describe('the guides', () => {
  afterEach(() => vi.restoreAllMocks());

  /** Runs a program here; what it prints is what the comments after its `console.log` say. */
  async function run(name: string, program: string): Promise<void> {
    const said = [...program.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(([, value]) => value);
    mkdirSync(FOLDER, { recursive: true });
    const file = join(FOLDER, `${name}.ts`);
    writeFileSync(file, program);
    const printed: string[] = [];
    vi.spyOn(console, 'log').mockImplementation((...values) => void printed.push(values.map(shown).join(' ')));
    await import(/* @vite-ignore */ file);
    expect(said.length).toBeGreaterThan(0);
    expect(printed).toEqual(said);
  }

  it.each(readdirSync(GUIDES).map((page) => page.replace(/\.md$/, '')))('%s runs and prints what it says', async (name) => {
    const program = [...read(`docs/guide/${name}.md`).matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code).join('\n');
    await run(name, program);
  });

  it('the examples of docstrings run and print what they say', async () => {
    const { program, count } = exampleProgram(ROOT, ['packages/tensor/src', 'packages/autograd/src'], {
      '@mudpt/tensor': tensor,
      '@mudpt/tensor/kernels': kernels,
      '@mudpt/autograd': autograd,
    });
    expect(count).toBeGreaterThan(10);
    await run('docstrings', program);
  });
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
