import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FETCHED } from './pack-check/fetched.mjs';
import { cleanEnvironment } from './pack-check/fresh.mjs';

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

describe('pack:check', () => {
  it('the guide names the versions that it checks with', () => {
    const rows = read('docs/guide/platforms.md')
      .split('## Checked with')[1]
      ?.split('\n')
      .filter((line) => line.startsWith('| '));
    const { dependencies } = JSON.parse(read('tools/package.json')) as { dependencies: Record<string, string> };
    const compilers = Object.entries(dependencies).flatMap(([name, version]) =>
      name.startsWith('typescript') ? [version.replace('npm:typescript@', '')] : [],
    );
    const fetched = Object.values(FETCHED).map((packages) => Object.values(packages)[0] ?? '');
    expect(fetched).toHaveLength(6);
    expect(compilers).toHaveLength(3);
    for (const version of [...fetched, ...compilers])
      expect(
        rows?.some((row) =>
          row
            .split('|')[2]
            ?.split(',')
            .map((one) => one.trim())
            .includes(version),
        ),
        version,
      ).toBe(true);
  });

  it('package managers see nothing of the one that started the check', () => {
    const before = { ...process.env };
    Object.assign(process.env, {
      npm_config_registry: 'https://example.org',
      NODE_PATH: '/a',
      PATH: '/x/node_modules/.bin:/usr/bin',
    });
    try {
      const found = cleanEnvironment({ MORE: '1' });
      expect(Object.keys(found).filter((name) => /^npm_|^NODE_PATH$/.test(name))).toEqual([]);
      expect([found['PATH'], found['MORE']]).toEqual(['/usr/bin', '1']);
    } finally {
      Object.assign(process.env, before);
      for (const name of ['npm_config_registry', 'NODE_PATH']) if (!(name in before)) Reflect.deleteProperty(process.env, name);
    }
  });
});
