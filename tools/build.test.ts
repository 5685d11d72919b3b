import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { entriesOf, rewriteSpecifiers } from './build.mjs';

type Manifest = {
  exports: object;
  imports?: object;
  sideEffects: boolean | string[];
  publishConfig: { exports: object; imports?: object };
};

const read = (folder: string): Manifest =>
  JSON.parse(readFileSync(new URL(`../${folder}/package.json`, import.meta.url), 'utf8')) as Manifest;
const built = (text: string): string => text.replaceAll(/\.\/src\/([^"]*)\.ts/g, './dist/$1.js');

const FOLDERS = ['shaders', 'packages/tensor', 'packages/autograd', 'packages/clip', 'packages/mudpt'];

describe('what is published', () => {
  it.each(FOLDERS)('%s: the same entries as here, built', (folder) => {
    const { exports, imports, sideEffects, publishConfig } = read(folder);
    const sources = (value: object): string[] =>
      [...JSON.stringify(value).matchAll(/\.\/(src\/[^"]*\.ts)/g)].map(([, path]) => path ?? '');
    expect(entriesOf(publishConfig.exports)).toEqual(sources(exports));
    expect(publishConfig.imports).toEqual(imports && JSON.parse(built(JSON.stringify(imports))));
    const effects = Array.isArray(sideEffects) ? sideEffects : [];
    expect(effects.filter((path) => path.startsWith('./dist/'))).toEqual(
      effects.filter((path) => path.startsWith('./src/')).map(built),
    );
  });

  it('declarations import built files', () => {
    const text = `import { a } from './a.ts';\nexport type B = typeof import("../b/c.d.ts");\ndeclare module './tensor.ts' {}\nimport 'x.ts';`;
    expect(rewriteSpecifiers(text)).toBe(
      `import { a } from './a.js';\nexport type B = typeof import("../b/c.d.js");\ndeclare module './tensor.js' {}\nimport 'x.ts';`,
    );
  });
});
