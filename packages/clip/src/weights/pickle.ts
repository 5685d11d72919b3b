/**
 * Python pickles without Python: the opcodes that PyTorch writes, and of names only those the caller lists. Nothing is imported and
 * nothing is called but the caller's own functions, so the worst a hostile pickle does is to be refused.
 *
 * The npm package pickleparser is not used for files of strangers: what a pickle builds there are plain arrays and objects whose
 * properties a BUILD may set, and forty bytes that set an array's length end the process for want of memory. Here lists take no
 * attributes, and what is built is never larger than the opcodes that build it. Format: CPython's Lib/pickletools.py.
 */
import { FormatError } from '@mudpt/tensor';

/** Base of the objects that the caller's functions make. */
export abstract class PickleInstance {
  /** Takes the state that BUILD gives; refused unless overridden. */
  setState?(state: PickleValue): void;
}

/** What the caller offers for a name in the file. */
export class PickleGlobal {
  /**
   * @param name "module name", for messages
   * @param call for a function: makes the value of a call
   * @param create for a class: makes an instance without arguments, to be filled by `setState`
   */
  constructor(
    readonly name: string,
    readonly call?: (args: readonly PickleValue[]) => PickleValue,
    readonly create?: () => PickleInstance,
  ) {}
}

/** Lists and tuples are arrays, dicts are Maps; integers beyond 2^53 are BigInts. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly PickleValue[]
  | ReadonlyMap<PickleValue, PickleValue>
  | PickleGlobal
  | PickleInstance;

export interface PickleNames {
  /** The value for a global name, or undefined when it is not on the list. */
  find(module: string, name: string): PickleGlobal | undefined;
  /** The object that a persistent id stands for. @throws Error with the reason */
  persistent(id: PickleValue): PickleValue;
}

/** State dicts take some kB and some ten thousand opcodes; these belong to no model. */
const MAX_PICKLE_BYTES = 64 * 2 ** 20;
const MAX_OPCODES = 1_000_000;

/** @throws FormatError naming the file, the byte and the reason */
export function unpickle(bytes: Uint8Array, file: string, names: PickleNames): PickleValue {
  if (bytes.byteLength > MAX_PICKLE_BYTES)
    throw new FormatError('unpickle', `${file}: the pickle has ${bytes.byteLength} bytes, the limit is ${MAX_PICKLE_BYTES}`, FIX);
  return new Machine(bytes, file, names).run();
}

const FIX = 'save only the state dict: torch.save(model.state_dict(), path)';

class Machine {
  private at = 0;
  private opcodeAt = 0;
  private stack: PickleValue[] = [];
  private readonly marks: PickleValue[][] = [];
  private readonly memo = new Map<number, PickleValue>();
  private readonly view: DataView;
  private readonly utf8 = new TextDecoder('utf-8', { fatal: true });

  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string,
    private readonly names: PickleNames,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  run(): PickleValue {
    for (let count = 0; ; count += 1) {
      if (count > MAX_OPCODES) throw this.fail(`there are more than ${MAX_OPCODES} opcodes`);
      this.opcodeAt = this.at;
      const opcode = this.view.getUint8(this.skip(1));
      if (opcode === STOP) return this.pop();
      const step = OPCODES[opcode];
      if (!step) throw this.fail(`opcode 0x${opcode.toString(16)} is none of those that PyTorch writes`);
      step(this);
    }
  }

  push(value: PickleValue): void {
    this.stack.push(value);
  }

  pop(): PickleValue {
    const value = this.stack.pop();
    if (value === undefined) throw this.fail('the stack is empty');
    return value;
  }

  /** `count` values, in the order they were pushed. */
  popTuple(count: number): PickleValue[] {
    if (this.stack.length < count) throw this.fail('the stack is empty');
    return this.stack.splice(this.stack.length - count, count);
  }

  mark(): void {
    this.marks.push(this.stack);
    this.stack = [];
  }

  /** What was pushed since the last mark. */
  popMark(): PickleValue[] {
    const items = this.stack;
    const below = this.marks.pop();
    if (below === undefined) throw this.fail('a mark is missing');
    this.stack = below;
    return items;
  }

  get(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.fail(`memo ${index} was never stored`);
    this.push(value);
  }

  put(index: number = this.memo.size): void {
    this.memo.set(index, this.top());
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.fail('something that is no list is appended to');
    for (const item of items) list.push(item);
  }

  setItems(items: readonly PickleValue[]): void {
    const dict = this.top();
    if (!(dict instanceof Map)) throw this.fail('something that is no dict is given items');
    if (items.length % 2 !== 0) throw this.fail('a key has no value');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  /** Attributes of a dict (an OrderedDict's _metadata) are dropped: no weights are in them. */
  build(): void {
    const state = this.pop();
    const target = this.top();
    if (target instanceof Map) return;
    if (!(target instanceof PickleInstance) || !target.setState) throw this.fail('something that takes no state is given one');
    this.guarded(() => target.setState?.(state));
  }

  global(module: PickleValue, name: PickleValue): void {
    const full = `${show(module)} ${show(name)}`;
    if (typeof module !== 'string' || typeof name !== 'string') throw this.fail('a global name is no text');
    const found = this.names.find(module, name);
    if (!found) throw this.fail(`it names ${full}, which is not on the list of names a checkpoint may use; nothing was run`);
    this.push(found);
  }

  reduce(): void {
    const [callee, args] = this.popTuple(2);
    const call = callee instanceof PickleGlobal ? callee.call : undefined;
    if (!call || !Array.isArray(args)) throw this.fail(`${show(callee)} is called, which is no function`);
    this.push(this.guarded(() => call(args)));
  }

  newObject(): void {
    const [type, args] = this.popTuple(2);
    const create = type instanceof PickleGlobal ? type.create : undefined;
    if (!create || !Array.isArray(args) || args.length > 0)
      throw this.fail(`${show(type)} is instantiated, which is no known class`);
    this.push(create());
  }

  persistent(): void {
    const id = this.pop();
    this.push(this.guarded(() => this.names.persistent(id)));
  }

  unsigned(width: 1 | 2 | 4 | 8): number {
    const at = this.skip(width);
    if (width === 1) return this.view.getUint8(at);
    if (width === 2) return this.view.getUint16(at, true);
    if (width === 4) return this.view.getUint32(at, true);
    const value = this.view.getBigUint64(at, true);
    if (value > BigInt(this.bytes.byteLength)) throw this.fail(`a length of ${value} reaches beyond the end`);
    return Number(value);
  }

  signed(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  double(): number {
    return this.view.getFloat64(this.skip(8), false);
  }

  /** Two's complement of any width below 256 bytes. */
  long(): number | bigint {
    const length = this.unsigned(1);
    const at = this.skip(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(this.bytes[at + i] ?? 0);
    value = BigInt.asIntN(8 * length, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }

  text(length: number): string {
    const at = this.skip(length);
    try {
      return this.utf8.decode(this.bytes.subarray(at, at + length));
    } catch {
      throw this.fail('a text is not UTF-8');
    }
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.fail('a line has no end');
    const line = this.text(end - this.at);
    this.at += 1;
    return line;
  }

  /** Where the next `length` bytes begin. */
  skip(length: number): number {
    const at = this.at;
    if (at + length > this.bytes.byteLength) throw this.fail('the pickle ends in the middle of it');
    this.at += length;
    return at;
  }

  fail(problem: string, cause?: unknown): FormatError {
    return new FormatError('unpickle', `${this.file}, byte ${this.opcodeAt} of its pickle: ${problem}`, FIX, { cause });
  }

  private top(): PickleValue {
    const value = this.stack.at(-1);
    if (value === undefined) throw this.fail('the stack is empty');
    return value;
  }

  /** The caller's functions refuse by throwing; the message gains the file and the byte. */
  private guarded<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      if (error instanceof FormatError) throw error;
      throw this.fail(error instanceof Error ? error.message : String(error), error);
    }
  }
}

const STOP = 0x2e;

type Step = (machine: Machine) => void;

/** Protocol 2, as torch.save and TorchScript write it, and what protocols 3 to 5 write instead for the same values. */
const OPCODES: Readonly<Record<number, Step>> = {
  0x80: (m) => {
    const version = m.unsigned(1);
    if (version > 5) throw m.fail(`it is of protocol ${version}`);
  }, // PROTO
  0x95: (m) => m.skip(8), // FRAME
  0x28: (m) => m.mark(), // MARK
  0x30: (m) => m.pop(), // POP
  0x31: (m) => m.popMark(), // POP_MARK
  0x4e: (m) => m.push(null), // NONE
  0x88: (m) => m.push(true), // NEWTRUE
  0x89: (m) => m.push(false), // NEWFALSE
  0x4a: (m) => m.push(m.signed()), // BININT
  0x4b: (m) => m.push(m.unsigned(1)), // BININT1
  0x4d: (m) => m.push(m.unsigned(2)), // BININT2
  0x8a: (m) => m.push(m.long()), // LONG1
  0x47: (m) => m.push(m.double()), // BINFLOAT
  0x58: (m) => m.push(m.text(m.unsigned(4))), // BINUNICODE
  0x8c: (m) => m.push(m.text(m.unsigned(1))), // SHORT_BINUNICODE
  0x8d: (m) => m.push(m.text(m.unsigned(8))), // BINUNICODE8
  0x29: (m) => m.push([]), // EMPTY_TUPLE
  0x74: (m) => m.push(m.popMark()), // TUPLE
  0x85: (m) => m.push(m.popTuple(1)), // TUPLE1
  0x86: (m) => m.push(m.popTuple(2)), // TUPLE2
  0x87: (m) => m.push(m.popTuple(3)), // TUPLE3
  0x5d: (m) => m.push([]), // EMPTY_LIST
  0x61: (m) => m.append(m.popTuple(1)), // APPEND
  0x65: (m) => m.append(m.popMark()), // APPENDS
  0x7d: (m) => m.push(new Map()), // EMPTY_DICT
  0x73: (m) => m.setItems(m.popTuple(2)), // SETITEM
  0x75: (m) => m.setItems(m.popMark()), // SETITEMS
  0x71: (m) => m.put(m.unsigned(1)), // BINPUT
  0x72: (m) => m.put(m.unsigned(4)), // LONG_BINPUT
  0x94: (m) => m.put(), // MEMOIZE
  0x68: (m) => m.get(m.unsigned(1)), // BINGET
  0x6a: (m) => m.get(m.unsigned(4)), // LONG_BINGET
  0x63: (m) => m.global(m.line(), m.line()), // GLOBAL
  0x93: (m) => {
    const [module, name] = m.popTuple(2);
    m.global(module ?? null, name ?? null);
  }, // STACK_GLOBAL
  0x52: (m) => m.reduce(), // REDUCE
  0x81: (m) => m.newObject(), // NEWOBJ
  0x62: (m) => m.build(), // BUILD
  0x51: (m) => m.persistent(), // BINPERSID
};

function show(value: PickleValue | undefined): string {
  if (value instanceof PickleGlobal) return value.name;
  if (typeof value === 'string') return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value).slice(1, -1);
  return Array.isArray(value) ? 'a list' : value === null ? 'None' : typeof value;
}
