import { tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { describe, expect, it } from 'vitest';
import { descriptionsFor, parseDescriptions } from './descriptions.ts';
import { meanOfRows } from './zero-shot.ts';

describe('class descriptions', () => {
  it('are read in the form they are published in', () => {
    const read = parseDescriptions(
      '{"Tabby_cat": ["A cat with stripes.", "It purrs: \\"rr\\"."], "__proto__": ["x"], "dog": ["d"]}',
      'f',
    );
    expect([...read.keys()]).toEqual(['Tabby_cat', '__proto__', 'dog']);
    expect(descriptionsFor(read, ['dog', 'tabby cat', '__PROTO__'], 'f')).toEqual([
      ['d'],
      ['A cat with stripes.', 'It purrs: "rr".'],
      ['x'],
    ]);
    // Two classes of one name are described alike.
    expect(descriptionsFor(parseDescriptions('{"missile": ["m"]}', 'f'), ['missile', 'missile'], 'f')).toEqual([['m'], ['m']]);
  });

  it.each([
    ['{"a": ["x"]', /f is no JSON/],
    ['[["x"]]', /is no object of classes/],
    ['null', /is no object of classes/],
    ['{}', /has no class/],
    ['{"a": "x"}', /has no list of sentences for "a"/],
    ['{"a": []}', /has no sentence for "a"/],
    ['{"a": ["x", 3]}', /something else than a sentence for "a", place 1/],
    ['{"a": [" "]}', /something else than a sentence for "a", place 0/],
    ['{"a": {"0": "x"}}', /has no list of sentences for "a"/],
    ['{"a": ["x"], "b": ["{\\"a\\":"], "\\u0061": ["y"]}', /has "a" twice/],
    [`{"a": ["${'x'.repeat(10_001)}"]}`, /at most 10000 letters/],
  ])('%# that are none are told', (text, message) => {
    expect(() => parseDescriptions(text, 'f')).toThrow(message);
  });

  it('that lack a class, or have one that is not there, or one in two forms, are told', () => {
    const read = parseDescriptions('{"cat": ["c"], "dgo": ["d"]}', 'f');
    expect(() => descriptionsFor(read, ['cat', 'dog'], 'f')).toThrow(/no sentences for "dog"/);
    expect(() => descriptionsFor(read, ['cat'], 'f')).toThrow(/sentences for "dgo", which the data does not have/);
    const both = parseDescriptions('{"red_cat": ["c"], "Red cat": ["d"]}', 'f');
    expect(() => descriptionsFor(both, ['red cat'], 'f')).toThrow(/"red_cat" and "Red cat", which are one class/);
  });
});

eachDevice('meanOfRows', (ctx) => {
  it("is the mean of each class's rows, however many they are", async () => {
    const rows = tensor([1, 2, 3, 4, 5, 6, 7, 9], { shape: [4, 2], device: ctx.device });
    using means = meanOfRows(rows, [1, 3]);
    expect([...(await means.data())]).toEqual([1, 2, 5, Math.fround(19 / 3)]);
    expect(() => meanOfRows(rows, [1, 2])).toThrow(/Give \[rows, embed\]/);
    expect(() => meanOfRows(rows, [4, 0])).toThrow(/a row at least/);
    rows.dispose();
  });
});
