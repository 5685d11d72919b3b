/** Writes ONNX models: what the tests and benchmarks here need of onnx.proto. */
import type { ElementType } from './types.ts';
import { codeOf, widthOf } from './types.ts';
import type { Dimensions } from './proto.ts';

export type Bytes = Uint8Array<ArrayBuffer>;
/** Whole numbers are ints; give `{ float }` for a float. */
export type AttributeToWrite =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly tensor: TensorToWrite }
  /** In a function: the attribute of this name of the call. */
  | { readonly reference: string; readonly type: 'int' | 'float' | 'ints' | 'string' }
  | { readonly graph: GraphToWrite };
/** Half floats are given as their bits. `external` puts the numbers, which are then written elsewhere, into another file. */
export type TensorToWrite = {
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
  readonly external?: { readonly location: string; readonly offset: number; readonly length: number };
};
/** An operator that the model defines itself. */
export type FunctionToWrite = {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: readonly string[];
  readonly nodes: readonly NodeToWrite[];
};
/** A node of a graph that is written. */
export type NodeToWrite = {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, AttributeToWrite>>;
};
/** Type and shape of a value that is written. */
export type InfoToWrite = { readonly type: ElementType; readonly shape?: Dimensions };
/** A graph that is written. */
export type GraphToWrite = {
  readonly name?: string;
  readonly nodes: readonly NodeToWrite[];
  readonly inputs: Readonly<Record<string, InfoToWrite>>;
  readonly outputs: Readonly<Record<string, InfoToWrite>>;
  readonly initializers?: Readonly<Record<string, TensorToWrite>>;
};
/** A model that is written. */
export type ModelToWrite = {
  readonly graph: GraphToWrite;
  /** Version of the standard operators. Default 21. */
  readonly opset?: number;
  /** Versions of other domains. */
  readonly domains?: Readonly<Record<string, number>>;
  readonly functions?: readonly FunctionToWrite[];
};

const utf8 = new TextEncoder();

function join(parts: readonly Bytes[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80);
  out.push(Number(rest));
  return out;
}

const tag = (field: number, wire: number): number[] => varint(field * 8 + wire);
const integer = (field: number, value: number): Bytes => Uint8Array.from([...tag(field, 0), ...varint(value)]);
const float = (field: number, value: number): Bytes =>
  join([Uint8Array.from(tag(field, 5)), new Uint8Array(Float32Array.of(value).buffer)]);

/** A message, a text, or raw bytes. */
function block(field: number, content: Bytes | string): Bytes {
  const bytes = typeof content === 'string' ? utf8.encode(content) : content;
  return join([Uint8Array.from([...tag(field, 2), ...varint(bytes.length)]), bytes]);
}

/** The numbers of a tensor as a file holds them. */
function rawData({ type, data }: TensorToWrite): Bytes {
  const width = widthOf(type);
  if (type === 'float' && data instanceof Float32Array)
    return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  const bytes = new Uint8Array(Math.ceil(data.length * width));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < data.length; i += 1) {
    const value = data[i] ?? 0;
    if (type === 'float') view.setFloat32(4 * i, value, true);
    else if (type === 'double') view.setFloat64(8 * i, value, true);
    else if (width === 8) view.setBigInt64(8 * i, BigInt(value), true);
    else if (width === 4) view.setUint32(4 * i, value, true);
    else if (width === 2) view.setUint16(2 * i, value, true);
    else if (width === 1) view.setUint8(i, value);
    else {
      // Packed, the first in the lowest bits.
      const bits = 8 * width;
      const [at, shift] = [Math.floor(i * width), (i * bits) % 8];
      view.setUint8(at, view.getUint8(at) | ((value & (2 ** bits - 1)) << shift));
    }
  }
  return bytes;
}

/** A TensorProto. */
export function writeTensor(tensor: TensorToWrite, name = ''): Bytes {
  const { type, shape, external } = tensor;
  const head = [...shape.map((size) => integer(1, size)), integer(2, codeOf(type)), block(8, name)];
  if (!external) return join([...head, block(9, rawData(tensor))]);
  const entries = Object.entries(external).map(([key, value]) => block(13, join([block(1, key), block(2, String(value))])));
  return join([...head, ...entries, integer(14, 1)]);
}

function writeAttribute(name: string, value: AttributeToWrite): Bytes {
  const of = (type: number, ...parts: readonly Bytes[]): Bytes => join([block(1, name), ...parts, integer(20, type)]);
  if (typeof value === 'number') return of(2, integer(3, value));
  if (typeof value === 'string') return of(3, block(4, value));
  if (Array.isArray(value)) {
    const list = value as readonly (number | string)[];
    return typeof list[0] === 'string'
      ? of(8, ...list.map((text) => block(9, String(text))))
      : of(7, ...list.map((number) => integer(8, Number(number))));
  }
  if ('float' in value) return of(1, float(2, value.float));
  if ('floats' in value) return of(6, ...value.floats.map((number) => float(7, number)));
  if ('reference' in value) return of({ float: 1, int: 2, string: 3, ints: 7 }[value.type], block(21, value.reference));
  if ('tensor' in value) return of(4, block(5, writeTensor(value.tensor)));
  if ('graph' in value) return of(5, block(6, writeGraph(value.graph)));
  throw new TypeError(`attribute ${name} holds nothing that can be written`);
}

function writeInfo(name: string, { type, shape }: InfoToWrite): Bytes {
  const dim = (size: number | string | undefined): Bytes =>
    size === undefined ? new Uint8Array(0) : typeof size === 'number' ? integer(1, size) : block(2, size);
  const sizes = shape && block(2, join(shape.map((size) => block(1, dim(size)))));
  return join([block(1, name), block(2, block(1, join([integer(1, codeOf(type)), ...(sizes ? [sizes] : [])])))]);
}

function writeNode({ op, inputs, outputs, name = '', domain = '', attributes = {} }: NodeToWrite): Bytes {
  return join([
    ...inputs.map((input) => block(1, input)),
    ...outputs.map((output) => block(2, output)),
    block(3, name),
    block(4, op),
    ...Object.entries(attributes).map(([key, value]) => block(5, writeAttribute(key, value))),
    block(7, domain),
  ]);
}

/** A GraphProto. */
function writeGraph({ name = 'graph', nodes, inputs, outputs, initializers = {} }: GraphToWrite): Bytes {
  return join([
    ...nodes.map((node) => block(1, writeNode(node))),
    block(2, name),
    ...Object.entries(initializers).map(([key, value]) => block(5, writeTensor(value, key))),
    ...Object.entries(inputs).map(([key, info]) => block(11, writeInfo(key, info))),
    ...Object.entries(outputs).map(([key, info]) => block(12, writeInfo(key, info))),
  ]);
}

const importOf = (field: number, domain: string, version: number): Bytes =>
  block(field, join([block(1, domain), integer(2, version)]));

function writeFunction({ name, domain, inputs, outputs, attributes = [], nodes }: FunctionToWrite, opset: number): Bytes {
  return join([
    block(1, name),
    ...inputs.map((input) => block(4, input)),
    ...outputs.map((output) => block(5, output)),
    ...attributes.map((attribute) => block(6, attribute)),
    ...nodes.map((node) => block(7, writeNode(node))),
    importOf(9, '', opset),
    block(10, domain),
  ]);
}

/** The bytes of a model (IR version 10). */
export function writeModel({ graph, opset = 21, domains = {}, functions = [] }: ModelToWrite): Bytes {
  return join([
    integer(1, 10),
    block(2, '@mudpt/onnx'),
    block(7, writeGraph(graph)),
    importOf(8, '', opset),
    ...Object.entries(domains).map(([domain, number]) => importOf(8, domain, number)),
    ...functions.map((one) => block(25, writeFunction(one, opset))),
  ]);
}
