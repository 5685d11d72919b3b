/** Reads TensorProto: constants, and where they are if they are in other files. Field numbers are those of onnx.proto. */
import type { External, TensorProto } from './proto.ts';
import { broken, bytesOf, eachField, integerOf, pushFloats, pushIntegers, textOf } from './wire.ts';

/** A TensorProto; its numbers are checked and converted where it is used. @throws FormatError */
export function readTensor(bytes: Uint8Array, where: string): TensorProto {
  let name = '';
  let type = 0;
  let raw: Uint8Array | undefined;
  let isExternal = false;
  const dims: number[] = [];
  const numbers: number[] = [];
  const entries = new Map<string, string>();
  eachField(bytes, where, (field) => {
    if (field.number === 1) pushIntegers(dims, field, where);
    else if (field.number === 2) type = integerOf(field, where);
    else if (field.number === 3) throw broken(where, 'the tensor is stored in segments', 'export the model anew');
    else if (field.number === 4) pushFloats(numbers, field, 4, where);
    else if (field.number === 5 || field.number === 7) pushIntegers(numbers, field, where);
    else if (field.number === 8) name = textOf(field, where);
    else if (field.number === 9) raw = bytesOf(field, where);
    else if (field.number === 10) pushFloats(numbers, field, 8, where);
    else if (field.number === 11) pushIntegers(numbers, field, where, { isUnsigned: true });
    else if (field.number === 13) readEntry(entries, bytesOf(field, where), where);
    else if (field.number === 14) isExternal = integerOf(field, where) === 1;
  });
  return { name, type, dims, raw, numbers, external: isExternal ? externalOf(entries, name || where) : undefined };
}

function readEntry(entries: Map<string, string>, bytes: Uint8Array, where: string): void {
  let key = '';
  let value = '';
  eachField(bytes, where, (field) => {
    if (field.number === 1) key = textOf(field, where);
    else if (field.number === 2) value = textOf(field, where);
  });
  entries.set(key, value);
}

function externalOf(entries: ReadonlyMap<string, string>, where: string): External {
  const location = entries.get('location') ?? '';
  if (location === '') throw broken(where, 'its data is in another file, which it does not name', 'export the model anew');
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) throw broken(where, `the ${key} of its external data is "${text}"`);
    return value;
  };
  return { location, offset: number('offset') ?? 0, length: number('length') };
}
