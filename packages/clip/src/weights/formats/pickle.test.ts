import { describe, expect, it } from 'vitest';
import { FormatError } from '@mudpt/tensor';
import { type Picklable, pickle } from '@mudpt/testing/weights/pickles';
import { unpickle } from './pickle.ts';
import { PickleGlobal, type PickleNames, type PickleValue, Placeholder } from './pickle-values.ts';
import { ScriptObject, StorageRecord, TensorRecord, torchNames } from './torch-globals.ts';

const read = (bytes: Uint8Array | readonly number[], names: PickleNames = torchNames(false)): PickleValue =>
  unpickle(Uint8Array.from(bytes), 'test.pt', names);
const failure = (bytes: Uint8Array | readonly number[], names?: PickleNames): string => {
  try {
    read(bytes, names);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    return String(error);
  }
  throw new Error('nothing was refused');
};
const ascii = (text: string) => [...new TextEncoder().encode(text)];

const storage: Picklable = {
  global: ['', ''],
  persistent: ['storage', { global: ['torch', 'HalfStorage'], bare: true }, '7', 'cpu', 24],
};
const tensor = (offset: number, shape: readonly number[], strides: readonly number[]): Picklable => ({
  global: ['torch._utils', '_rebuild_tensor_v2'],
  args: [storage, offset, shape, strides, false, { global: ['collections', 'OrderedDict'] }],
});

describe('values', () => {
  it('of every kind that checkpoints hold', () => {
    const values = new Map<string, Picklable>([
      ['flag', true],
      ['other', false],
      ['none', null],
      ['number', -70_000],
      ['float', 0.1],
      ['text', 'ü 🙂'],
      ['list', [1, ['a', []]]],
      ['dict', new Map([['__proto__', 1]])],
    ]);
    expect(read(pickle(values))).toEqual(values);
  });

  it.each<[string, readonly number[], PickleValue]>([
    ['LONG1 of no bytes', [0x8a, 0], 0],
    ['LONG1', [0x8a, 5, 0, 0, 0, 0, 1], 2 ** 32],
    ['a negative LONG1', [0x8a, 1, 0xff], -1],
    ['LONG1 beyond 2^53', [0x8a, 8, 0, 0, 0, 0, 0, 0, 0, 0x40], 2n ** 62n],
    ['memo', [0x4b, 7, 0x71, 3, 0x30, 0x68, 3], 7],
    ['a long memo', [0x4b, 7, 0x72, 0, 1, 0, 0, 0x30, 0x6a, 0, 1, 0, 0], 7],
    ['MEMOIZE', [0x4b, 9, 0x94, 0x30, 0x68, 0], 9],
    ['APPEND and APPENDS', [0x5d, 0x4b, 1, 0x61, 0x28, 0x4b, 2, 0x4b, 3, 0x65], [1, 2, 3]],
    ['SETITEM', [0x7d, 0x4b, 1, 0x4b, 2, 0x73], new Map([[1, 2]])],
    ['TUPLE1 to TUPLE3', [0x4b, 1, 0x85, 0x4b, 2, 0x86, 0x4b, 3, 0x4b, 4, 0x87], [[[1], 2], 3, 4]],
    ['protocol 4: a frame and short texts', [0x80, 4, 0x95, 4, 0, 0, 0, 0, 0, 0, 0, 0x8c, 1, 0x61], 'a'],
    ['BINUNICODE8', [0x8d, 1, 0, 0, 0, 0, 0, 0, 0, 0x61], 'a'],
    ['LONG4', [0x8b, 2, 0, 0, 0, 0, 1], 256],
    [
      'INT and LONG of old protocols',
      [0x28, ...ascii('I01\n'), ...ascii('I00\n'), ...ascii('I-7\n'), ...ascii('L8L\n'), 0x74],
      [true, false, -7, 8],
    ],
    ['SHORT_BINBYTES', [0x43, 2, 1, 0xff], Uint8Array.of(1, 0xff)],
    ['BINBYTES', [0x42, 1, 0, 0, 0, 7], Uint8Array.of(7)],
    ['BYTEARRAY8', [0x96, 1, 0, 0, 0, 0, 0, 0, 0, 7], Uint8Array.of(7)],
    ['EMPTY_SET and ADDITEMS', [0x8f, 0x28, 0x4b, 1, 0x4b, 2, 0x90], new Set([1, 2])],
    ['FROZENSET', [0x28, 0x4b, 3, 0x91], new Set([3])],
    ['POP_MARK', [0x4b, 5, 0x28, 0x4b, 1, 0x31], 5],
  ])('%s', (_, code, value) => {
    expect(read([...code, 0x2e])).toEqual(value);
  });

  it('tensors, parameters and modules', () => {
    const [record] = [read(pickle(tensor(2, [3, 4], [1, 3])))];
    expect(record).toEqual(new TensorRecord(new StorageRecord('F16', '7', 24), 2, [3, 4], [1, 3]));
    expect(
      read(pickle({ global: ['torch._utils', '_rebuild_parameter'], args: [tensor(0, [2], [1]), true, []] })),
    ).toBeInstanceOf(TensorRecord);
    const module = { global: ['__torch__.clip.model', 'CLIP'], state: new Map([['a', tensor(0, [2], [1])]]) } as const;
    const object = read(pickle(module), torchNames(true));
    expect(object instanceof ScriptObject && object.attributes.get('a')).toBeInstanceOf(TensorRecord);
    // Outside of TorchScript it is a name like any other.
    expect(read(pickle(module))).toEqual(new Placeholder('__torch__.clip.model CLIP'));
  });

  it.each<[string, readonly number[], Placeholder]>([
    ['a name of no meaning here', [], new Placeholder('a b')],
    ['its instance with state', [0x29, 0x81, 0x7d, 0x62], new Placeholder('a b')],
    ['its instance with arguments and keywords', [0x29, 0x7d, 0x92], new Placeholder('a b')],
    ['what is called of it', [0x29, 0x52, 0x29, 0x52], new Placeholder('a b')],
    ['what is appended to it', [0x29, 0x52, 0x4b, 1, 0x61], new Placeholder('a b')],
  ])('%s becomes a placeholder', (_, code, expected) => {
    const made = [0x29, 0x52, ...code];
    expect(read([...ascii('ca\nb\n'), ...(code.length === 0 ? made : code), 0x2e])).toEqual(expected);
  });

  it('a dict of another class keeps its items', () => {
    const found = read([...ascii('ccollections\ndefaultdict\n'), 0x4e, 0x85, 0x52, 0x4b, 1, 0x4b, 2, 0x73, 0x2e]);
    expect(found instanceof Placeholder && [...found.items]).toEqual([[1, 2]]);
  });

  it('attributes of a dict are dropped', () => {
    expect(read([0x7d, 0x7d, 0x58, 1, 0, 0, 0, 0x61, 0x4b, 1, 0x73, 0x62, 0x2e])).toEqual(new Map());
  });
});

describe('refusals name the byte and the reason, and run nothing', () => {
  it.each<[string, readonly number[], string]>([
    ['os.system', [...ascii('cos\nsystem\n'), 0x2e], 'byte 0 of its pickle: it names os system, which runs code'],
    [
      'a name by STACK_GLOBAL',
      [0x8c, 8, ...ascii('builtins'), 0x8c, 4, ...ascii('eval'), 0x93, 0x2e],
      'byte 16 of its pickle: it names builtins eval',
    ],
    ['INST', [0x28, ...ascii('ios\nsystem\n'), 0x2e], 'opcode 0x69 is none of those'],
    ['a call of a text', [0x8c, 1, 0x61, 0x29, 0x52, 0x2e], 'a is called, which is no function'],
    ['a call of a storage class', [...ascii('ctorch\nFloatStorage\n'), 0x29, 0x52, 0x2e], 'torch FloatStorage is called'],
    ['a call with no list', [...ascii('ccollections\nOrderedDict\n'), 0x4e, 0x52, 0x2e], 'is called, which is no function'],
    [
      'an instance of a function',
      [...ascii('ccollections\nOrderedDict\n'), 0x29, 0x81, 0x2e],
      'is instantiated, which is no known class',
    ],
    [
      'an OrderedDict of arguments',
      [...ascii('ccollections\nOrderedDict\n'), 0x4e, 0x85, 0x52, 0x2e],
      'an OrderedDict is made with arguments',
    ],
    ['attributes of a list', [0x5d, 0x7d, 0x62, 0x2e], 'something that takes no state'],
    ['attributes of a function', [...ascii('ccollections\nOrderedDict\n'), 0x7d, 0x62, 0x2e], 'something that takes no state'],
    ['items for a list', [0x5d, 0x4b, 1, 0x4b, 2, 0x73, 0x2e], 'something that is no dict'],
    ['an item for a dict', [0x7d, 0x4b, 1, 0x61, 0x2e], 'something that is no list'],
    ['a key without a value', [0x7d, 0x28, 0x4b, 1, 0x75, 0x2e], 'a key has no value'],
    ['a missing mark', [0x74, 0x2e], 'a mark is missing'],
    ['an empty stack', [0x30, 0x2e], 'the stack is empty'],
    ['an unknown memo', [0x68, 1, 0x2e], 'memo 1 was never stored'],
    ['protocol 6', [0x80, 6, 0x2e], 'protocol 6'],
    ['a whole number of 2 GB', [0x8b, 0xff, 0xff, 0xff, 0x7f], 'a whole number has 2147483647 bytes'],
    ['digits that are none', [...ascii('I1e9\n'), 0x2e], '"1e9" is no whole number'],
    ['bytes that are longer than the file', [0x42, 9, 0, 0, 0, 1], 'the pickle ends in the middle'],
    ['an item for a list as for a set', [0x5d, 0x28, 0x4b, 1, 0x90, 0x2e], 'something that is no set'],
    ['no end', [0x4e], 'the pickle ends in the middle'],
    ['a text that is longer than the file', [0x58, 0xff, 0xff, 0xff, 0x7f, 0x61], 'byte 0 of its pickle: the pickle ends'],
    ['a text of 2^63 bytes', [0x8d, 0, 0, 0, 0, 0, 0, 0, 0x80], 'a length of 9223372036854775808 reaches beyond'],
    ['a text that is not UTF-8', [0x58, 1, 0, 0, 0, 0xff], 'not UTF-8'],
    ['a name without end', ascii('cos'), 'a line has no end'],
    ['a persistent id that is none', [0x4e, 0x51, 0x2e], 'not that of a storage'],
  ])('%s', (_, code, says) => {
    expect(failure(code)).toContain(says);
  });

  it.each<[string, Picklable, string]>([
    ['more strides than axes', tensor(0, [2], [1, 1]), 'has 2 strides'],
    ['a negative extent', tensor(0, [-1], [1]), 'the shape of a tensor is -1'],
    ['a fraction as offset', tensor(0.5, [1], [1]), 'the offset of a tensor is 0.5'],
    ['no storage', { global: ['torch._utils', '_rebuild_tensor_v2'], args: [null, 0, [], []] }, 'a tensor has no storage'],
    [
      'too many axes',
      tensor(
        0,
        Array.from({ length: 65 }, () => 1),
        Array.from({ length: 65 }, () => 1),
      ),
      'no list of sizes',
    ],
  ])('a tensor of %s', (_, value, says) => {
    expect(failure(pickle(value))).toContain(says);
  });

  it('a pickle of 64 MiB, and one without end', () => {
    expect(failure(new Uint8Array(2 ** 26 + 1))).toContain('the limit is 67108864');
    expect(failure(new Uint8Array(1_100_000).fill(0x5d))).toContain('more than 1000000 opcodes');
  });
});

it('nothing grows beyond the opcodes that build it: a list takes no length', () => {
  // An OrderedDict called with a list whose attribute 4294967294 is set: forty bytes that end a process elsewhere.
  const code = [
    ...ascii('ccollections\nOrderedDict\n'),
    0x5d,
    0x7d,
    0x28,
    0x8a,
    4,
    0xfe,
    0xff,
    0xff,
    0xff,
    0x4e,
    0x75,
    0x62,
    0x52,
    0x2e,
  ];
  expect(failure(code)).toContain('something that takes no state is given one');
});

it('values that refer to themselves are read once', () => {
  const list = read([0x5d, 0x71, 0, 0x68, 0, 0x61, 0x2e]);
  expect(Array.isArray(list) && list[0]).toBe(list);
});

it("the caller's own names are all there is", () => {
  const seen: string[] = [];
  const names: PickleNames = {
    find: (module, name) => {
      seen.push(`${module}.${name}`);
      return new PickleGlobal(name, (args) => args.length);
    },
    persistent: (id) => id,
  };
  expect(read([...ascii('ca\nb\n'), 0x4e, 0x85, 0x52, 0x2e], names)).toBe(1);
  expect(seen).toEqual(['a.b']);
});
