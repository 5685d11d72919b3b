/** Errors of the engine by their codes, as its sources have them, beside the sentences that the page has for them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { decodeImage } from '@mudpt/clip';
import { toldOf } from '../worker/rpc.ts';
import { engineZh } from './engine-zh.ts';

const PACKAGES = fileURLToPath(new URL('../../../', import.meta.url));
const CODE = /\bcode: '([a-zA-Z]+\.[a-zA-Z.]+)'(?:,\s*values: \{([^}]*)\})?/g;

/** Names of values by code; codes have a dot, which those of zod (`custom`) lack. */
function codesOfEngine(): Map<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const name of ['tensor', 'clip', 'mudpt']) {
    const folder = join(PACKAGES, name, 'src');
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
      for (const [, code = '', values = ''] of readFileSync(join(folder, file), 'utf8').matchAll(CODE))
        found.set(
          code,
          values.split(/,(?![^(]*\))/).flatMap((one) => /^\s*(\w+)/.exec(one)?.[1] ?? []),
        );
    }
  }
  return found;
}

it('every code of the engine has a sentence, and every sentence a code, with values that the error has', () => {
  const codes = codesOfEngine();
  expect(codes.size).toBeGreaterThan(30);
  expect(Object.keys(engineZh).sort()).toEqual([...codes.keys()].sort());
  for (const [code, { problem, fix }] of Object.entries(engineZh)) {
    const places = [...`${problem}${fix}`.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect([code, places.filter((name) => !codes.get(code)?.includes(name ?? ''))]).toEqual([code, []]);
    for (const text of [problem, fix]) expect(text).toMatch(/\p{Script=Han}/u);
  }
});

it('an error keeps its code and values on the way to the page', async () => {
  const error = await decodeImage(new Blob(['hello']), { name: 'notes.png' }).catch((thrown: unknown) => thrown);
  const { code, values } = toldOf(error);
  expect([code, values]).toEqual(['image.other', { name: 'notes.png', other: 'a text file' }]);
});
