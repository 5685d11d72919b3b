/** Small programs stay small: what they do not use is not in their bundles. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { markPure, pureNames } from '../../tools/pure.mjs';
import { BUDGETS, bundledSize } from './size.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const SRC = fileURLToPath(new URL('../../packages/autograd/src', import.meta.url));

describe.runIf(process.env['MUDPT_ADAPTER'] === 'lavapipe')('small bundles', () => {
  it.each(Object.entries(BUDGETS))('%s weighs at most %i bytes', async (file, most) => {
    const size = await bundledSize(fileURLToPath(new URL('../..', import.meta.url)), join(HERE, file));
    expect(size).toBeLessThan(most);
    expect(size).toBeGreaterThan(most / 2);
  });

  it('no file of the gradients but the main entry has side effects, or brings the methods of tensors', () => {
    const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== 'index.ts',
    );
    expect(files.length).toBeGreaterThan(80);
    const odd = files.filter((file) =>
      /^(?:defineRule|withoutGradient|useRules)\(|from '@mudpt\/tensor';|^import '/m.test(readFileSync(join(SRC, file), 'utf8')),
    );
    expect(odd).toEqual([]);
  });

  it('calls that only make a constant are marked for bundlers, by the names imported', () => {
    const make = "import { make } from './make.ts';\n";
    const pure = new Set(['make']);
    expect(markPure(`${make}export const a = make(\n  make(1),\n);\nmake(2);\n`, pure)).toBe(
      `${make}export const a = /* @__PURE__ */ make(\n  /* @__PURE__ */ make(1),\n);\nmake(2);\n`,
    );
    expect(markPure('const a = make(1);\n', pure)).toBe('const a = make(1);\n');
    expect(pureNames('/* @__NO_SIDE_EFFECTS__ */\nexport const make = () => 1;\nexport const other = 2;\n')).toEqual(['make']);
  });
});
