/** Reads ValueInfoProto: names, types and shapes of inputs and outputs. Field numbers are those of onnx.proto. */
import type { Dimensions, ValueInfo } from './proto.ts';
import { bytesOf, eachField, integerOf, textOf } from './wire.ts';

/** @throws FormatError */
export function readValueInfo(bytes: Uint8Array, where: string): ValueInfo {
  let info: ValueInfo = { name: '', kind: 'tensor', type: 0, shape: undefined };
  eachField(bytes, where, (field) => {
    if (field.number === 1) info = { ...info, name: textOf(field, where) };
    else if (field.number === 2) info = { ...info, ...readType(bytesOf(field, where), where) };
  });
  return info;
}

const KINDS: Readonly<Record<number, string>> = { 4: 'sequence', 5: 'map', 7: 'opaque value', 8: 'sparse tensor', 9: 'optional' };

function readType(bytes: Uint8Array, where: string): Partial<ValueInfo> {
  let found: Partial<ValueInfo> = {};
  eachField(bytes, where, (field) => {
    const kind = KINDS[field.number];
    if (kind !== undefined) found = { kind };
    if (field.number !== 1) return;
    let type = 0;
    let shape: Dimensions | undefined;
    eachField(bytesOf(field, where), where, (part) => {
      if (part.number === 1) type = integerOf(part, where);
      else if (part.number === 2) shape = readShape(bytesOf(part, where), where);
    });
    found = { kind: 'tensor', type, shape };
  });
  return found;
}

function readShape(bytes: Uint8Array, where: string): Dimensions {
  const shape: (number | string | undefined)[] = [];
  eachField(bytes, where, (field) => {
    if (field.number !== 1) return;
    let size: number | string | undefined;
    eachField(bytesOf(field, where), where, (part) => {
      if (part.number === 1) size = integerOf(part, where);
      else if (part.number === 2) size = textOf(part, where) || undefined;
    });
    shape.push(size);
  });
  return shape;
}
