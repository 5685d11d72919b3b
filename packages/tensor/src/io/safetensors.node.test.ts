import { describe, expect, it } from 'vitest';
import { failureOf } from '@mudpt/testing/failure';
import { counting, fileBytes, smallFile, WatchedSource } from '@mudpt/testing/safetensors';
import { FormatError, InputError } from '../errors.ts';
import { requireLittleEndian } from './bytes.ts';
import { openSafetensors } from './safetensors.ts';

describe('the reader', () => {
  it('reads only the header at first, then only what is asked for', async () => {
    const bytes = smallFile();
    const source = new WatchedSource(bytes);
    const file = await openSafetensors(source);
    expect(source.requests).toEqual([8, bytes.byteLength - 27 - 8]);
    expect(file.metadata).toEqual({ format: 'pt', größe: 'ü𝄞' });
    expect([...file.tensors.keys()]).toEqual(['layer.weight', 'empty', 'flags']);
    expect(await file.read('empty')).toEqual({ dtype: 'I64', shape: [0, 4], bytes: new Uint8Array(0) });
    expect((await file.read('flags')).bytes).toEqual(Uint8Array.of(1, 0, 1));
    await file.close();
    expect(source.closed).toBe(1);
  });

  it('hands a tensor over in parts', async () => {
    const file = await openSafetensors(smallFile());
    const whole = (await file.read('layer.weight')).bytes;
    const parts: number[][] = [];
    for await (const part of file.chunks('layer.weight', 10)) parts.push([...part]);
    expect(parts.map((part) => part.length)).toEqual([10, 10, 4]);
    expect(parts.flat()).toEqual([...whole]);
    expect(await failureOf(() => file.chunks('layer.weight', 0).next())).toBeInstanceOf(InputError);
  });

  it('names what there is when a tensor is missing', async () => {
    const file = await openSafetensors(smallFile());
    expect(String(await failureOf(() => file.read('layer.wieght')))).toMatch(
      /has no tensor "layer\.wieght".*"layer\.weight", "empty", "flags"/,
    );
  });

  it('closes the source when it refuses the header', async () => {
    const source = new WatchedSource(fileBytes('[]'));
    expect(await failureOf(() => openSafetensors(source))).toBeInstanceOf(FormatError);
    expect(source.closed).toBe(1);
  });

  it('takes an empty header, padding, and names and keys that are traps in JavaScript', async () => {
    expect((await openSafetensors(fileBytes('{}'))).tensors.size).toBe(0);
    const header =
      '{"__proto__":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"constructor":{"dtype":"U8","shape":[],"data_offsets":[2,3]},"":{"dtype":"U8","shape":[0,9007199254740991,9007199254740991],"data_offsets":[3,3]},"__metadata__":{"__proto__":"x"}}   ';
    const file = await openSafetensors(fileBytes(header, counting(3)));
    expect((await file.read('__proto__')).bytes).toEqual(Uint8Array.of(1, 2));
    expect((await file.read('constructor')).shape).toEqual([]);
    expect((await file.read('')).bytes.byteLength).toBe(0);
    expect(Object.entries(file.metadata)).toEqual([['__proto__', 'x']]);
  });

  it('refuses a big-endian host', async () => {
    expect(String(await failureOf(() => requireLittleEndian('openSafetensors', false)))).toContain('big-endian');
  });
});

const tensor = (fields: string) => `{"w":{${fields}}}`;
const sound = '"dtype":"U8","shape":[4],"data_offsets":[0,4]';
const deep = '['.repeat(100_000);

/** Header text (with 4 bytes of data by default) and the expected error. */
const HOSTILE: [name: string, header: string | Uint8Array, says: string | RegExp, dataBytes?: number][] = [
  ['an array', '[]', 'does not begin with "{"', 0],
  ['white space first', ` {}`, 'does not begin with "{"', 0],
  ['a byte order mark', '\ufeff{}', 'does not begin with "{"', 0],
  ['no header', '', 'does not begin with "{"', 0],
  ['an open object', '{', /byte 9: .*a key in quotes was expected, not the end/, 0],
  ['text after the end', '{} {}', /byte 11: .*after the end/, 0],
  ['a trailing comma', `{"w":{${sound}},}`, 'a key in quotes was expected'],
  ['single quotes', "{'w':1}", 'a key in quotes was expected'],
  ['a comment', '{/*x*/}', 'a key in quotes was expected', 0],
  ['bytes that are not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), 'is not UTF-8', 0],
  ['half of a surrogate pair', String.raw`{"\ud800":{}}`, 'half of a surrogate pair', 0],
  ['an unknown escape', String.raw`{"\x41":{}}`, 'escape', 0],
  ['a raw control character', '{"a\nb":{}}', 'control character', 0],
  ['an open string', '{"abc', 'no closing quote', 0],
  ['duplicate tensors', `{"w":{${sound}},"w":{${sound}}}`, 'the key "w" appears twice'],
  [
    'duplicate tensors, one escaped',
    String.raw`{"w":{` + sound + String.raw`},"\u0077":{` + sound + '}}',
    'the key "w" appears twice',
  ],
  ['duplicate fields', tensor(`${sound},"dtype":"I8"`), 'the key "dtype" appears twice'],
  ['duplicate metadata', '{"__metadata__":{"a":"1","a":"2"}}', 'the key "a" appears twice', 0],
  ['deep nesting', `{"w":${deep}`, 'nested more than 8 deep', 0],
  ['metadata that is a list', '{"__metadata__":[]}', '__metadata__ is an array', 0],
  ['metadata that is null', '{"__metadata__":null}', '__metadata__ is null', 0],
  ['metadata with a number', '{"__metadata__":{"n":1}}', '__metadata__ "n" is the number 1, not a string', 0],
  ['metadata with an object', '{"__metadata__":{"n":{}}}', '__metadata__ "n" is an object', 0],
  ['a tensor that is null', '{"w":null}', 'tensor "w" is null', 0],
  ['a tensor that is a list', '{"w":[1]}', 'tensor "w" is an array', 0],
  ['no dtype', tensor('"shape":[4],"data_offsets":[0,4]'), 'tensor "w" has no dtype'],
  ['no shape', tensor('"dtype":"U8","data_offsets":[0,4]'), 'tensor "w" has no shape'],
  ['no offsets', tensor('"dtype":"U8","shape":[4]'), 'tensor "w" has no data_offsets'],
  ['a dtype in lower case', tensor('"dtype":"f32","shape":[1],"data_offsets":[0,4]'), 'tensor "w" has the dtype "f32"'],
  [
    'an eight-bit float',
    tensor('"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]'),
    /"F8_E4M3", which this reader does not know\. Convert the tensor to one of BOOL, U8/,
  ],
  ['a dtype from Object.prototype', tensor('"dtype":"toString","shape":[4],"data_offsets":[0,4]'), 'has the dtype "toString"'],
  ['a dtype that is a number', tensor('"dtype":3,"shape":[4],"data_offsets":[0,4]'), 'has the dtype the number 3'],
  ['a shape that is a number', tensor('"dtype":"U8","shape":4,"data_offsets":[0,4]'), 'has a shape that is the number 4'],
  ['a negative shape', tensor('"dtype":"U8","shape":[-4],"data_offsets":[0,4]'), 'has the number -4 as shape[0]'],
  ['a negative zero', tensor('"dtype":"U8","shape":[-0],"data_offsets":[0,4]'), 'has the number -0 as shape[0]'],
  ['a fraction', tensor('"dtype":"U8","shape":[4.0],"data_offsets":[0,4]'), 'has the number 4.0 as shape[0]'],
  ['an exponent', tensor('"dtype":"U8","shape":[4e0],"data_offsets":[0,4]'), 'has the number 4e0 as shape[0]'],
  ['a leading zero', tensor('"dtype":"U8","shape":[04],"data_offsets":[0,4]'), '"," or "]" was expected'],
  ['NaN', tensor('"dtype":"U8","shape":[NaN],"data_offsets":[0,4]'), 'a value was expected'],
  ['a string in the shape', tensor('"dtype":"U8","shape":["4"],"data_offsets":[0,4]'), 'has a string as shape[0]'],
  ['2^53', tensor('"dtype":"U8","shape":[9007199254740992],"data_offsets":[0,4]'), 'has the number 9007199254740992 as shape[0]'],
  [
    '2^53 + 1',
    tensor('"dtype":"U8","shape":[9007199254740993],"data_offsets":[0,4]'),
    'has the number 9007199254740993 as shape[0]',
  ],
  [
    'a number of 1000 digits',
    tensor(`"dtype":"U8","shape":[${'9'.repeat(1000)}],"data_offsets":[0,4]`),
    /has the number 9{120}… as shape/,
  ],
  [
    'a product above 2^53',
    tensor('"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,4]'),
    'needs more than 2^53 bytes',
  ],
  [
    'a product that wraps 64 bits to the right value',
    tensor('"dtype":"U8","shape":[4294967296,4294967296,1],"data_offsets":[0,0]'),
    'needs more than 2^53 bytes',
    0,
  ],
  ['one offset', tensor('"dtype":"U8","shape":[4],"data_offsets":[4]'), 'has 1 data_offsets'],
  ['three offsets', tensor('"dtype":"U8","shape":[4],"data_offsets":[0,4,4]'), 'has 3 data_offsets'],
  ['offsets backwards', tensor('"dtype":"U8","shape":[4],"data_offsets":[4,0]'), 'ends (at 0) before it begins (at 4)'],
  [
    'offsets out of range',
    tensor('"dtype":"U8","shape":[5],"data_offsets":[0,5]'),
    'lies at 0 to 5 of the data, which has 4 bytes',
  ],
  [
    'offsets far out of range',
    tensor('"dtype":"U8","shape":[1],"data_offsets":[9007199254740990,9007199254740991]'),
    'lies at 9007199254740990',
  ],
  [
    'a shape that is too small',
    tensor('"dtype":"U8","shape":[3],"data_offsets":[0,4]'),
    'needs 3 bytes, its data_offsets span 4',
  ],
  [
    'a dtype that is too wide',
    tensor('"dtype":"F64","shape":[4],"data_offsets":[0,4]'),
    'needs 32 bytes, its data_offsets span 4',
  ],
  ['a gap at the start', tensor('"dtype":"U8","shape":[3],"data_offsets":[1,4]'), 'the gap belongs to no tensor'],
  [
    'a rest at the end',
    tensor('"dtype":"U8","shape":[3],"data_offsets":[0,3]'),
    /tensor "w" ends at byte \d+, but the file at byte \d+/,
  ],
  ['data without tensors', '{}', 'the header ends at byte 10, but the file at byte 14'],
  [
    'an overlap',
    `{"w":{${sound}},"v":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`,
    /byte \d+: tensor "v" begins at byte \d+, inside tensor "w"/,
  ],
  ['the same bytes twice', `{"w":{${sound}},"v":{${sound}}}`, 'inside tensor'],
  [
    'a gap in the middle',
    '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}',
    'tensor "b" begins at byte',
  ],
];

describe('hostile headers', () => {
  it.each(HOSTILE)('%s', async (_, header, says, dataBytes = 4) => {
    const source = new WatchedSource(fileBytes(header, counting(dataBytes)));
    const error = await failureOf(() => openSafetensors(source));
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toMatch(says instanceof RegExp ? says : new RegExp(escapeRegExp(says)));
    expect(String(error)).toContain('watched');
  });

  it('finds the byte of the mistake behind characters of several bytes', async () => {
    const header = '{"__metadata__":{"ü𝄞€":"x"},"w":7}';
    const at = 8 + new TextEncoder().encode('{"__metadata__":{"ü𝄞€":"x"},"w":').byteLength;
    expect(String(await failureOf(() => openSafetensors(fileBytes(header))))).toContain(`memory, byte ${at}: tensor "w"`);
  });

  it.each([
    ['beyond the file', 3n, 'announces a header of 3 bytes, but the file ends at byte 10'],
    ['beyond the cap', 100_000_001n, 'the limit is 100000000'],
    ['of 2^53', 2n ** 53n, 'the limit is 100000000'],
    ['of 2^64 - 1', 2n ** 64n - 1n, 'header of 18446744073709551615 bytes'],
  ])('a header length %s asks for nothing but its 8 bytes', async (_, length, says) => {
    const source = new WatchedSource(fileBytes('{}', undefined, length));
    expect(String(await failureOf(() => openSafetensors(source)))).toContain(says);
    expect(source.requests).toEqual([8]);
  });

  it('every truncation of a file, byte by byte, is refused', async () => {
    const whole = smallFile();
    for (let length = 0; length < whole.byteLength; length++) {
      const error = await failureOf(() => openSafetensors(whole.subarray(0, length)));
      expect(error, `cut at ${length}`).toBeInstanceOf(FormatError);
    }
    expect((await openSafetensors(whole)).tensors.size).toBe(3);
  });

  it('a byte more than the tensors hold is refused too', async () => {
    const longer = new Uint8Array([...smallFile(), 0]);
    expect(String(await failureOf(() => openSafetensors(longer)))).toContain('the rest belongs to no tensor');
  });
});

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
