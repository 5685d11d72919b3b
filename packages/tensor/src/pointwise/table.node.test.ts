import { wgsl } from '@mudpt/shaders';
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
    expect(wgsl['math.wgsl'] + wgsl['special.wgsl']).toContain(`fn ${name}(`);
    expect(rows.filter((expression) => expression?.includes(`${name}(`))).not.toEqual([]);
  }
});
