import { mathWgsl, specialWgsl } from '@mudpt/shaders';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { LARGE_FUNCTIONS } from './evaluate.ts';
import { pointwiseTable } from './table.ts';

it('every row is exported under its name, with its own words', () => {
  const source = readFileSync(new URL('./ops.ts', import.meta.url), 'utf8');
  for (const [name, { doc }] of Object.entries(pointwiseTable)) expect(source).toContain(`/** ${doc} */\nexport const ${name} =`);
});

it('every large function is one of math.wgsl or special.wgsl, and some row calls it', () => {
  const rows = Object.values(pointwiseTable).flatMap(({ forward, gradients }) => [forward, ...(gradients ?? [])]);
  for (const name of LARGE_FUNCTIONS) {
    expect(mathWgsl.text + specialWgsl.text).toContain(`fn ${name}(`);
    expect(rows.filter((expression) => expression?.includes(`${name}(`))).not.toEqual([]);
  }
});

it('every row names the files of the functions that it calls, and no others', () => {
  for (const [name, { forward, integer = '', gradients = [], library = [] }] of Object.entries(pointwiseTable)) {
    const text = [forward, integer, ...gradients].join(' ');
    const called = ['math', 'special', 'integer'].filter((file) => text.includes(`${file}_`));
    // Functions of special.wgsl call those of math.wgsl.
    const needed = called.includes('special') ? new Set(['math', ...called]) : new Set(called);
    expect([name, ...library.map(({ file }) => file)].sort()).toEqual(
      [name, ...[...needed].map((file) => `${file}.wgsl`)].sort(),
    );
  }
});
