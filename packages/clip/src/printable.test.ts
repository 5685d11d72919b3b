import { expect, it } from 'vitest';
import { csvLine, printable, printableJson } from './printable.ts';

it.each([
  ['\u001b]0;TITLE\u0007\u001b[31mRED\u001b[2J', '\\u001b]0;TITLE\\u0007\\u001b[31mRED\\u001b[2J'],
  ['rtl\u202egnp.exe', 'rtl\\u202egnp.exe'],
  ['new\nline\r\tend', 'new\\nline\\r\\tend'],
  ['\u009b31m \u0000 \u007f \u2028', '\\u009b31m \\u0000 \\u007f \\u2028'],
  ['half \ud800, none \uffff', 'half \\ud800, none \\uffff'],
  ['naïve 日本 👩‍🚀 שלום \ufffd <b>&"\\n', 'naïve 日本 👩‍🚀 שלום \ufffd <b>&"\\n'],
])('printable(%j)', (text, expected) => {
  expect(printable(text)).toBe(expected);
  expect(printable(expected)).toBe(expected);
});

it('JSON means the same and obeys nothing', () => {
  const value = { name: 'a\u202eb\u009b\n"', list: ['\ud800', 1] };
  for (const indent of [undefined, 2]) {
    const text = printableJson(value, indent);
    expect(JSON.parse(text)).toEqual(value);
    expect(text).not.toMatch(/[\u202e\u009b]/);
  }
});

it('cells that begin a formula are text, numbers stay numbers', () => {
  expect(csvLine(['=1+1', '+1+cmd|calc', '@SUM(1)', '-x', '-0.5', '+3', -2, 'a=b'])).toBe(
    "'=1+1,'+1+cmd|calc,'@SUM(1),'-x,-0.5,+3,-2,a=b",
  );
  expect(csvLine(['=HYPERLINK("x","y")', 'a,b', 'c\nd'])).toBe('"\'=HYPERLINK(""x"",""y"")","a,b","c\nd"');
});
