import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as library from './library.ts';
import { pointwiseTable } from './table.ts';

it('every row is exported under its name, with its own words', () => {
  const source = readFileSync(new URL('./ops.ts', import.meta.url), 'utf8');
  for (const [name, { doc }] of Object.entries(pointwiseTable)) expect(source).toContain(`/** ${doc} */\nexport const ${name} =`);
});

const files = Object.values(library).filter((value) => typeof value === 'object');

it('every long function is one of its file, and some row calls it', () => {
  const rows = Object.values(pointwiseTable).flatMap(({ forward, gradients }) => [forward, ...(gradients ?? [])]);
  expect(files.flatMap(({ long = [] }) => long).length).toBe(11);
  for (const { shader, long = [] } of files)
    for (const name of long) {
      expect(shader.text).toContain(`fn ${name}(`);
      expect(rows.filter((expression) => expression?.includes(`${name}(`))).not.toEqual([]);
    }
});

it('a function file needs those whose functions it calls, and no others', () => {
  for (const { shader, needs = [] } of files) {
    const called = files.filter((other) => other.shader !== shader && defines(other.shader.text, shader.text));
    expect([shader.file, ...needs.map((file) => file.shader.file)]).toEqual([
      shader.file,
      ...called.map((file) => file.shader.file),
    ]);
  }
});

it('every row names the files of the functions that it calls, and no others', () => {
  for (const [name, row] of Object.entries(pointwiseTable)) {
    const text = [row.forward, row.integer ?? '', ...(row.gradients ?? [])].join(' ');
    const called = files.filter(({ shader }) => defines(shader.text, text));
    // What a file needs is there without being named.
    const needed = called.filter((file) => !called.some(({ needs = [] }) => needs.includes(file)));
    const named = (list: readonly library.FunctionFile[]): string[] => list.map(({ shader }) => shader.file).sort();
    expect([name, ...named(row.library ?? [])]).toEqual([name, ...named(needed)]);
  }
});

it('an expression brings the files of its functions and those that they need, each once, and no others', () => {
  const bring = (expression: string, ...given: library.FunctionFile[]): string[] =>
    library.filesCalled(expression, given).map(({ file }) => file);
  const { mathFunctions, powerFunctions, specialFunctions } = library;
  expect(bring('x + y', mathFunctions)).toEqual([]);
  expect(bring('math_exp(x)', mathFunctions, mathFunctions)).toEqual(['math.base.wgsl']);
  // The derivative of a power by its exponent may call a logarithm alone.
  expect(bring('math_log(x)', powerFunctions)).toEqual(['math.base.wgsl']);
  expect(bring('math_pow(x, y)', powerFunctions)).toEqual(['math.power.wgsl', 'math.base.wgsl']);
  expect(bring('math_expm1(x)', specialFunctions)).toEqual(['math.base.wgsl']);
  expect(library.callsLong('math_pow(x, y)', [specialFunctions])).toBe(true);
  expect(library.callsLong('math_log(x)', [powerFunctions])).toBe(false);
});

/** Whether the WGSL `file` defines a function that `text` calls. */
function defines(file: string, text: string): boolean {
  return (text.match(/\b(?:math|special|integer)_\w+(?=\()/g) ?? []).some((name) => file.includes(`fn ${name}(`));
}
