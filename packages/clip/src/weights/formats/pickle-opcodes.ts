/** The opcodes of pickles, as steps of the machine that reads them. Format: CPython's Lib/pickletools.py. */
import type { Machine } from './pickle-machine.ts';

export const STOP = 0x2e;

type Step = (machine: Machine) => void;

/** Protocol 2, as torch.save and TorchScript write it, and what protocols 1 and 3 to 5 write instead for the same values. */
export const OPCODES: Readonly<Record<number, Step>> = {
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
  0x8a: (m) => m.push(m.long(m.unsigned(1))), // LONG1
  0x8b: (m) => m.push(m.long(m.unsigned(4))), // LONG4
  0x49: (m) => m.push(m.decimal()), // INT
  0x4c: (m) => m.push(m.decimal()), // LONG
  0x47: (m) => m.push(m.double()), // BINFLOAT
  0x58: (m) => m.push(m.text(m.unsigned(4))), // BINUNICODE
  0x8c: (m) => m.push(m.text(m.unsigned(1))), // SHORT_BINUNICODE
  0x8d: (m) => m.push(m.text(m.unsigned(8))), // BINUNICODE8
  0x43: (m) => m.push(m.data(m.unsigned(1))), // SHORT_BINBYTES
  0x42: (m) => m.push(m.data(m.unsigned(4))), // BINBYTES
  0x8e: (m) => m.push(m.data(m.unsigned(8))), // BINBYTES8
  0x96: (m) => m.push(m.data(m.unsigned(8))), // BYTEARRAY8
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
  0x8f: (m) => m.push(new Set()), // EMPTY_SET
  0x90: (m) => m.addToSet(m.popMark()), // ADDITEMS
  0x91: (m) => m.push(new Set(m.popMark())), // FROZENSET
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
  0x81: (m) => m.newObject(m.popTuple(2)), // NEWOBJ
  0x92: (m) => {
    const [type = null, args = null] = m.popTuple(3);
    m.newObject([type, args]);
  }, // NEWOBJ_EX
  0x62: (m) => m.build(), // BUILD
  0x51: (m) => m.persistent(), // BINPERSID
};
