/** The stack machine that the opcodes of a pickle act on. Format: CPython's Lib/pickletools.py. */
import { FormatError } from '@mudpt/tensor';
import { PickleGlobal, PickleInstance, type PickleNames, type PickleValue, Placeholder } from './pickle-values.ts';

const MAX_LONG_BYTES = 4096;

export const FIX = 'save only the state dict: torch.save(model.state_dict(), path)';

export class Machine {
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

  /** Reads the next opcode; errors name its position until the one after it is read. */
  nextOpcode(): number {
    this.opcodeAt = this.at;
    return this.view.getUint8(this.skip(1));
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
    if (list instanceof Placeholder) return;
    if (!Array.isArray(list)) throw this.fail('something that is no list is appended to');
    for (const item of items) list.push(item);
  }

  setItems(items: readonly PickleValue[]): void {
    const top = this.top();
    const dict = top instanceof Placeholder ? top.items : top;
    if (!(dict instanceof Map)) throw this.fail('something that is no dict is given items');
    if (items.length % 2 !== 0) throw this.fail('a key has no value');
    for (let i = 0; i < items.length; i += 2) dict.set(items[i], items[i + 1]);
  }

  addToSet(items: readonly PickleValue[]): void {
    const set = this.top();
    if (set instanceof Placeholder) return;
    if (!(set instanceof Set)) throw this.fail('something that is no set is added to');
    for (const item of items) set.add(item);
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
    if (!found)
      throw this.fail(`it names ${full}, which runs code where Python loads it, and no weights need it; nothing was run`);
    this.push(found);
  }

  reduce(): void {
    const [callee, args] = this.popTuple(2);
    const call = callee instanceof PickleGlobal ? callee.call : callee instanceof Placeholder ? () => callee : undefined;
    if (!call || !Array.isArray(args)) throw this.fail(`${show(callee)} is called, which is no function`);
    this.push(this.guarded(() => call(args)));
  }

  newObject([type, args]: readonly PickleValue[]): void {
    const create = type instanceof PickleGlobal ? type.create : type instanceof Placeholder ? () => type : undefined;
    if (!create || !Array.isArray(args)) throw this.fail(`${show(type)} is instantiated, which is no known class`);
    this.push(this.guarded(() => create(args)));
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

  /** Two's complement of `length` bytes. */
  long(length: number): number | bigint {
    if (length > MAX_LONG_BYTES) throw this.fail(`a whole number has ${length} bytes, the limit is ${MAX_LONG_BYTES}`);
    const at = this.skip(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(this.bytes[at + i]!);
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

  /** A view of the pickle. */
  data(length: number): Uint8Array {
    const at = this.skip(length);
    return this.bytes.subarray(at, at + length);
  }

  /** A number in decimal digits; `01` and `00` are how old protocols write true and false. */
  decimal(): number | bigint | boolean {
    const text = this.line().replace(/L$/, '');
    if (text === '00' || text === '01') return text === '01';
    if (!/^-?\d{1,1000}$/.test(text)) throw this.fail(`${JSON.stringify(show(text))} is no whole number`);
    const number = Number(text);
    return Number.isSafeInteger(number) ? number : BigInt(text);
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

function show(value: PickleValue | undefined): string {
  if (value instanceof PickleGlobal) return value.name;
  if (typeof value === 'string') return JSON.stringify(value.length > 100 ? `${value.slice(0, 100)}…` : value).slice(1, -1);
  if (value instanceof Placeholder) return value.name;
  return Array.isArray(value) ? 'a list' : value === null ? 'None' : typeof value;
}
