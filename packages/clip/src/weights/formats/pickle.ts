/**
 * Python pickles without Python: the opcodes that PyTorch writes, and only those names that the caller offers. Nothing is imported, and
 * only the caller's own functions are called, so a hostile pickle can at worst be refused.
 *
 * The npm package pickleparser is not used for files of strangers: what a pickle builds there are plain arrays and objects whose
 * properties a BUILD may set, and forty bytes that set an array's length end the process for want of memory. Here lists take no
 * attributes, and what is built is never larger than the opcodes that build it. Format: CPython's Lib/pickletools.py.
 */
import { FormatError } from '@mudpt/tensor';
import { OPCODES, STOP } from './pickle-opcodes.ts';
import { FIX, Machine } from './pickle-machine.ts';
import type { PickleNames, PickleValue } from './pickle-values.ts';

/** Limits: state dicts take some kB and some ten thousand opcodes, so larger pickles are not models. */
const MAX_PICKLE_BYTES = 64 * 2 ** 20;
const MAX_OPCODES = 1_000_000;

/** @throws FormatError naming the file, the byte and the reason */
export function unpickle(bytes: Uint8Array, file: string, names: PickleNames): PickleValue {
  if (bytes.byteLength > MAX_PICKLE_BYTES)
    throw new FormatError('unpickle', `${file}: the pickle has ${bytes.byteLength} bytes, the limit is ${MAX_PICKLE_BYTES}`, FIX);
  const machine = new Machine(bytes, file, names);
  for (let count = 0; ; count += 1) {
    if (count > MAX_OPCODES) throw machine.fail(`there are more than ${MAX_OPCODES} opcodes`);
    const opcode = machine.nextOpcode();
    if (opcode === STOP) return machine.pop();
    const step = OPCODES[opcode];
    if (!step) throw machine.fail(`opcode 0x${opcode.toString(16)} is none of those that PyTorch writes`);
    step(machine);
  }
}
