import { FormatError } from '@mudpt/tensor';
import { expect, it, vi } from 'vitest';
import { errorText, StatusLine } from './status-line.ts';
import { bar, bytes, duration, table } from './text.ts';

it('writes numbers as people read them', () => {
  expect([0, 59.6, 3599, 3600, Infinity].map(duration)).toEqual(['0:00', '1:00', '59:59', '1:00:00', '?']);
  expect([0, 512, 1536, 200 * 2 ** 20, 3 * 2 ** 30].map(bytes)).toEqual(['0 B', '512 B', '1.5 KiB', '200 MiB', '3.0 GiB']);
  expect([bar(0, 4), bar(0.5, 4), bar(2, 4)]).toEqual(['────', '━━──', '━━━━']);
});

it('aligns columns by what characters take on a terminal', () => {
  expect(
    table(
      [
        ['name', 'n'],
        ['猫', '10'],
        ['ärger', '2'],
      ],
      { right: [1] },
    ),
  ).toEqual(['name    n', '猫     10', 'ärger   2']);
  expect(table([['abcdefgh']], { most: 5 })).toEqual(['abcd…']);
});

it('rewrites one line on a terminal, and is sparing elsewhere', () => {
  const written: string[] = [];
  const line = new StatusLine({ isTTY: true, columns: 11, write: (text) => written.push(text) });
  line.show('a long status line');
  line.print('done');
  expect(written).toEqual(['\r\u001b[2Ka long sta', '\r\u001b[2K', 'done\n']);
  const log: string[] = [];
  const plain = new StatusLine({ write: (text) => log.push(text) });
  for (let i = 0; i < 100; i++) plain.show(`status ${i}`);
  expect(log).toEqual(['status 0\n']);
});

it('names are shown, not obeyed: on lines with styles, in tables, in errors', () => {
  const written: string[] = [];
  const line = new StatusLine({ write: (text) => written.push(text), isTTY: true });
  const name = 'a\u001b[2Jb\nc\u202e';
  vi.stubEnv('NO_COLOR', '');
  vi.stubEnv('TERM', 'xterm');
  line.print(`${line.paint('good', name)} ${name}`);
  vi.stubEnv('TERM', 'dumb');
  expect(line.paint('good', name)).toBe(name);
  vi.unstubAllEnvs();
  expect(written.join('')).toBe('\u001b[32ma\\u001b[2Jb\\nc\\u202e\u001b[39m a\\u001b[2Jb\\nc\\u202e\n');
  expect(table([[name, 'x']])).toEqual(['a\\u001b[2Jb\\nc\\u202e  x']);
  expect(errorText(new FormatError('data', name, 'mend it'))).toBe('error: data: a\\u001b[2Jb\\nc\\u202e\n       mend it\n');
});

it('a log has no bars', () => {
  const written: string[] = [];
  new StatusLine({ write: (text) => written.push(text) }).show(`pictures ${bar(0.5)} 1/2`);
  expect(written).toEqual(['pictures 1/2\n']);
});
