import { FormatError } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { JSON_SEAL, openSealed, openSealedJson, openSealedLines, sealJson, sealLine, sealText, YAML_SEAL } from './sealed.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Every file that differs in one bit of one byte, and every beginning of it. */
function* damaged(text: string): Generator<[what: string, bytes: Uint8Array]> {
  const whole = bytes(text);
  for (let at = 0; at < whole.length; at++)
    for (let bit = 0; bit < 8; bit++) {
      const changed = whole.slice();
      changed[at] = (changed[at] ?? 0) ^ (1 << bit);
      yield [`byte ${at}, bit ${bit}`, changed];
    }
  for (let length = 0; length < whole.length; length++) yield [`${length} bytes`, whole.subarray(0, length)];
}

function expectAllRefused(text: string, open: (bytes: Uint8Array) => unknown): void {
  for (const [what, changed] of damaged(text)) {
    let result: unknown;
    try {
      result = open(changed);
    } catch (error) {
      result = error;
    }
    expect(result, what).toBeInstanceOf(FormatError);
  }
}

it('JSON comes back as it was, and no damage of any byte is believed', () => {
  const value = { format: 2, name: 'é "\u{1f600}" \ud800', list: [1, 2.5, { deep: [] }], none: {} };
  const text = sealJson(value);
  expect(JSON.parse(text)).toMatchObject({ ...value, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(openSealedJson('op', 'a.json', bytes(text), 2)).toEqual(value);
  expectAllRefused(text, (changed) => openSealedJson('op', 'a.json', changed, 2));
  expect(() => openSealedJson('op', 'a.json', bytes('{"format":1}'), 2)).toThrow(
    /a\.json has format 1, and this version reads 2/,
  );
  for (const other of ['', 'null', '{}', '[]', '7', '{"format":2}'])
    expect(() => openSealedJson('op', 'a.json', bytes(other), 2)).toThrow(/a\.json is not what was written/);
});

it('so does YAML', () => {
  const text = sealText('shots: 4\nseed: 1\n', YAML_SEAL);
  expect(text).toMatch(/^shots: 4\nseed: 1\n# sha256: [0-9a-f]{64}\n$/);
  expect(openSealed('op', 'c.yaml', bytes(text), YAML_SEAL)).toBe('shots: 4\nseed: 1\n');
  expectAllRefused(text, (changed) => openSealed('op', 'c.yaml', changed, YAML_SEAL));
  expect(() => openSealed('op', 'c.yaml', bytes(text), JSON_SEAL)).toThrow(FormatError);
});

it('lines name the one that is damaged; only a growing file may end within a line', () => {
  const values = [
    { step: 0, loss: 0.1 + 0.2 },
    { step: 1, loss: 1e-300 },
  ];
  const text = values.map(sealLine).join('');
  expect(openSealedLines('op', 'm.jsonl', bytes(text))).toEqual(values);
  const read = (changed: Uint8Array, options: { readonly isGrowing: boolean }) => {
    try {
      return openSealedLines('op', 'm.jsonl', changed, options);
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError);
      return undefined;
    }
  };
  for (const [what, changed] of damaged(text)) {
    // Whole lines at the end may be missing; how many there must be is told elsewhere.
    for (const isGrowing of [true, false]) {
      const lines = read(changed, { isGrowing });
      if (lines) expect(values.slice(0, lines.length), what).toEqual(lines);
    }
    if (changed.length === text.length) expect(read(changed, { isGrowing: false }), what).toBe(undefined);
  }
  const second = text.replace('1e-300', '2e-300');
  expect(() => openSealedLines('op', 'm.jsonl', bytes(second), { isGrowing: true })).toThrow(
    /m\.jsonl, line 2, is not what was written/,
  );
  expect(openSealedLines('op', 'm.jsonl', bytes(text.slice(0, -5)), { isGrowing: true })).toEqual(values.slice(0, 1));
});
