import { describe, expect, it } from 'vitest';
import { checkKernel, checkScript, complaintsOfName, wordsOf } from './words.ts';

describe('the words of the project', () => {
  it('takes names apart in every convention', () => {
    expect(wordsOf('packages/mudpt/GivenRows.fooBar_bazQux2x-y')).toEqual(
      'packages mudpt given rows foo bar baz qux x y'.split(' '),
    );
  });

  it('finds retired words in identifiers and comments, not in strings', () => {
    const found = checkScript(
      `// what lies behind\nconst own = 'behind own';\n/**\n * economise\n */\nthis.#own = \`behind \${own}\`;\nlet ownRows = 1;`,
    );
    expect(found.map(({ line, complaint }) => `${line} ${complaint.split(':')[0]}`)).toEqual([
      '1 "behind"',
      '2 "own"',
      '4 "economise"',
      '6 "own"',
      '6 "own"',
    ]);
  });

  it('finds retired words and camelCase in kernels', () => {
    const found = checkKernel('fn rowSum() {}\nlet eager = 1; // own\nvar<workgroup> tile_a: f32; // behind');
    expect(found.map(({ line, complaint }) => `${line} ${complaint.split(':')[0]}`)).toEqual([
      '1 "rowSum"',
      '2 "eager"',
      '3 "behind"',
    ]);
  });

  it('finds them in names of files', () => {
    expect(complaintsOfName('bench/pictures/main.ts', '')).toHaveLength(1);
    expect(complaintsOfName('bench/own.ts', '')).toHaveLength(0);
  });
});
