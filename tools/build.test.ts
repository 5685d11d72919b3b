import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { entriesOf, nameLibraries, rewriteSpecifiers } from './build.mjs';
import { withRepository } from './manifests.mjs';
import { filesOf, pageOf } from './page.mjs';
import { follows, PUBLISHED, released } from './release.mjs';
import { usingCtx } from './using.mjs';

type Manifest = {
  exports: object;
  imports?: object;
  sideEffects: boolean | string[];
  publishConfig: { exports: object; imports?: object };
};

const read = (folder: string): Manifest =>
  JSON.parse(readFileSync(new URL(`../${folder}/package.json`, import.meta.url), 'utf8')) as Manifest;
const built = (text: string): string => text.replaceAll(/\.\/src\/([^"]*)\.ts/g, './dist/$1.js');

describe('what is published', () => {
  it.each(PUBLISHED)('%s: the same entries as here, built', (folder) => {
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

  it('declarations name the libraries they need', () => {
    expect(nameLibraries('/** [Symbol.dispose] */\nlet a: number;', false)).toBe('/** [Symbol.dispose] */\nlet a: number;');
    expect(nameLibraries('[Symbol.dispose](): void;', false)).toMatch(/^\/\/\/ <reference lib="esnext.disposable" \/>\n\[/);
    expect(nameLibraries('let a: GPUDevice;', true)).toMatch(/^import '#webgpu-types';\nlet/);
    expect(() => nameLibraries("import type { Stats } from 'node:fs';", true)).toThrow(/imports node:fs/);
    expect(() => nameLibraries('let a: GPUDevice;', false)).toThrow(/does not depend on @webgpu\/types/);
  });

  it('what a block holds is disposed, the latest first, and its first error is thrown', () => {
    const disposed: string[] = [];
    const held = (name: string, error?: Error): Disposable => ({
      [Symbol.dispose]: () => {
        disposed.push(name);
        if (error) throw error;
      },
    });
    const calm = usingCtx();
    expect([calm.u(undefined), calm.u(null)]).toEqual([undefined, null]);
    calm.u(held('a'));
    calm.u(held('b'));
    calm.d();
    const failing = usingCtx();
    failing.u(held('c'));
    failing.u(held('d', new Error('disposing')));
    expect(() => failing.d()).toThrow('disposing');
    const thrown = usingCtx();
    thrown.e = new Error('of the block');
    thrown.u(held('e', new Error('disposing')));
    expect(() => thrown.d()).toThrow('of the block');
    expect(disposed).toEqual(['b', 'a', 'd', 'c', 'e']);
  });

  const repository = { type: 'git', url: 'git+https://example.org/team/engine.git' };

  it('a page keeps links into the package and leads others to the repository, or nowhere', () => {
    const page =
      'A [file](src/a.ts), [guide](../../docs/b.md#c), [site](https://example.org), [here](#top), ![image](img/d.png).';
    const packed = (path: string): boolean => path.startsWith('src/');
    expect(pageOf(page, 'packages/tensor', undefined, packed)).toBe(
      'A [file](src/a.ts), guide, [site](https://example.org), [here](#top), image.',
    );
    expect(pageOf(page, 'packages/tensor', filesOf({ repository }), packed)).toBe(
      'A [file](src/a.ts), [guide](https://example.org/team/engine/blob/HEAD/docs/b.md#c), [site](https://example.org), ' +
        '[here](#top), ![image](https://example.org/team/engine/blob/HEAD/packages/tensor/img/d.png).',
    );
  });

  it('the address of the repository comes from one place', () => {
    const read = (path: string): Record<string, unknown> =>
      JSON.parse(readFileSync(new URL(`../${path}package.json`, import.meta.url), 'utf8')) as Record<string, unknown>;
    const declared = read('')['repository'] as typeof repository | undefined;
    for (const folder of PUBLISHED) expect(withRepository(read(`${folder}/`), folder, declared)).toEqual(read(`${folder}/`));
    expect(withRepository({ name: 'a', homepage: 'x' }, 'packages/a', undefined)).toEqual({ name: 'a' });
    expect(withRepository({ name: 'a' }, 'packages/a', repository)).toEqual({
      name: 'a',
      repository: { ...repository, directory: 'packages/a' },
      homepage: 'https://example.org/team/engine/blob/HEAD/packages/a',
      bugs: { url: 'https://example.org/team/engine/issues' },
    });
  });

  it('a release follows the one before and has notes', () => {
    expect(['0.1.1', '0.2.0', '1.0.0'].every((next) => follows('0.1.0', next))).toBe(true);
    expect(['0.1.0', '0.1.2', '0.2.1', '2.0.0'].some((next) => follows('0.1.0', next))).toBe(false);
    expect(() => follows('0.1.0', 'v1')).toThrow(/is no version/);
    const notes = '# Changelog\n\n## [Unreleased]\n\n- new\n\n## [0.1.0] - 2026-01-01\n\n- first\n';
    expect(released(notes, '0.2.0', '2026-02-01')).toBe(
      '# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-02-01\n\n- new\n\n## [0.1.0] - 2026-01-01\n\n- first\n',
    );
    expect(() => released(notes.replace('- new\n', ''), '0.2.0', '2026-02-01')).toThrow(/nothing to release/);
  });

  it('packages depend on one another with a caret, and the engine is the peer of those that hand its tensors on', () => {
    for (const folder of PUBLISHED) {
      const { dependencies, peerDependencies } = JSON.parse(
        readFileSync(new URL(`../${folder}/package.json`, import.meta.url), 'utf8'),
      ) as { dependencies?: Record<string, string>; peerDependencies?: Record<string, string> };
      for (const [name, range] of Object.entries({ ...dependencies, ...peerDependencies }))
        if (name.startsWith('@mudpt/')) expect(`${name} ${range}`).toBe(`${name} workspace:^`);
      if (/autograd|clip|onnx/.test(folder)) expect(peerDependencies).toHaveProperty('@mudpt/tensor');
    }
  });
});
