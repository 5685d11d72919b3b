import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { pointwiseTable } from './table.ts';

it('every row is exported under its name, with its own words', () => {
  const source = readFileSync(new URL('./ops.ts', import.meta.url), 'utf8');
  for (const [name, { doc }] of Object.entries(pointwiseTable)) expect(source).toContain(`/** ${doc} */\nexport const ${name} =`);
});
