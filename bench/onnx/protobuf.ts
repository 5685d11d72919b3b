/** Just enough of the protocol buffer wire format to write ONNX models: varints, 32-bit floats and length-delimited fields. */

export type Bytes = Uint8Array;

const utf8 = new TextEncoder();

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80);
  out.push(rest);
  return out;
}

export function join(parts: readonly Bytes[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A whole number >= 0. */
export const integer = (field: number, value: number): Bytes => Uint8Array.from([...varint(field * 8), ...varint(value)]);

export const integers = (field: number, values: readonly number[]): Bytes => join(values.map((value) => integer(field, value)));

export function float(field: number, value: number): Bytes {
  return join([Uint8Array.from(varint(field * 8 + 5)), new Uint8Array(Float32Array.of(value).buffer)]);
}

/** A message, a string, or raw bytes. */
export function field(number: number, content: Bytes | string): Bytes {
  const bytes = typeof content === 'string' ? utf8.encode(content) : content;
  return join([Uint8Array.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
}
