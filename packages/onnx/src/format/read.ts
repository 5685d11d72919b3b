/** Reads ModelProto; field numbers are those of onnx.proto. */
import type {
  Attribute,
  Dimensions,
  External,
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  ValueInfo,
} from './proto.ts';
import { broken, bytesOf, eachField, type Field, floatOf, integerOf, pushFloats, pushIntegers, textOf } from './wire.ts';

/** Graphs inside of nodes of graphs, or sequences of sequences, at most. */
const MAX_DEPTH = 32;

function expectDepth(depth: number, where: string): void {
  if (depth > MAX_DEPTH) throw broken(where, `it is nested more than ${MAX_DEPTH} levels deep`, 'give a model without such nesting');
}

/** The standard operators' domain has two names. */
const domainOf = (name: string): string => (name === 'ai.onnx' ? '' : name);

/** @throws FormatError for bytes that are no model */
export function readModel(bytes: Uint8Array): ModelProto {
  const where = 'model';
  let irVersion = 0;
  let producer = '';
  let graph: GraphProto | undefined;
  const opsets = new Map<string, number>();
  const functions: FunctionProto[] = [];
  eachField(bytes, where, (field) => {
    if (field.number === 1) irVersion = integerOf(field, where);
    else if (field.number === 2) producer = textOf(field, where);
    else if (field.number === 7) graph = readGraph(bytesOf(field, where), 'graph', 0);
    else if (field.number === 8) readOpset(opsets, bytesOf(field, where));
    else if (field.number === 25) functions.push(readFunction(bytesOf(field, where)));
  });
  if (!graph) throw broken(where, 'it has no graph', 'give a model in ONNX format (.onnx); this is none, or an empty one');
  if (opsets.size === 0) throw broken(where, 'it does not tell the version of its operators (opset_import)', 'export it anew');
  return { irVersion, producer, opsets, graph, functions };
}

function readOpset(opsets: Map<string, number>, bytes: Uint8Array): void {
  let domain = '';
  let version = 0;
  eachField(bytes, 'opset_import', (field) => {
    if (field.number === 1) domain = domainOf(textOf(field, 'opset_import'));
    else if (field.number === 2) version = integerOf(field, 'opset_import');
  });
  opsets.set(domain, version);
}

function readGraph(bytes: Uint8Array, where: string, depth: number): GraphProto {
  expectDepth(depth, where);
  let name = '';
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  eachField(bytes, where, (field) => {
    if (field.number === 1) nodes.push(readNode(bytesOf(field, where), `node ${nodes.length} of ${where}`, depth));
    else if (field.number === 2) name = textOf(field, where);
    else if (field.number === 5) initializers.push(readTensor(bytesOf(field, where), `initializer ${initializers.length} of ${where}`));
    else if (field.number === 11) inputs.push(readValueInfo(bytesOf(field, where), `input ${inputs.length} of ${where}`));
    else if (field.number === 12) outputs.push(readValueInfo(bytesOf(field, where), `output ${outputs.length} of ${where}`));
    else if (field.number === 15)
      throw broken(where, 'it has sparse initializers', 'convert them to dense ones before exporting: sparse tensors are not supported');
  });
  return { name, nodes, initializers, inputs, outputs };
}

function readNode(bytes: Uint8Array, where: string, depth: number): NodeProto {
  let name = '';
  let op = '';
  let domain = '';
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Attribute>();
  eachField(bytes, where, (field) => {
    if (field.number === 1) inputs.push(textOf(field, where));
    else if (field.number === 2) outputs.push(textOf(field, where));
    else if (field.number === 3) name = textOf(field, where);
    else if (field.number === 4) op = textOf(field, where);
    else if (field.number === 5) {
      const [key, value] = readAttribute(bytesOf(field, where), where, depth);
      attributes.set(key, value);
    } else if (field.number === 7) domain = domainOf(textOf(field, where));
  });
  if (op === '') throw broken(where, 'it does not tell its operator', 'export the model anew');
  return { name, op, domain, inputs, outputs, attributes };
}

function readAttribute(bytes: Uint8Array, node: string, depth: number): [name: string, value: Attribute] {
  let name = '';
  let reference = '';
  let type = 0;
  let float = 0;
  let int = 0;
  let string = '';
  let tensor: TensorProto | undefined;
  let graph: GraphProto | undefined;
  const floats: number[] = [];
  const ints: number[] = [];
  const strings: string[] = [];
  let other = '';
  let found = '';
  const where = `an attribute of ${node}`;
  const take: Readonly<Record<number, (field: Field) => void>> = {
    1: (field) => (name = textOf(field, where)),
    2: (field) => ((float = floatOf(field, where)), (found = 'float')),
    3: (field) => ((int = integerOf(field, where)), (found = 'int')),
    4: (field) => ((string = looseText(field, where)), (found = 'string')),
    5: (field) => ((tensor = readTensor(bytesOf(field, where), where)), (found = 'tensor')),
    6: (field) => ((graph = readGraph(bytesOf(field, where), `graph of ${node}`, depth + 1)), (found = 'graph')),
    7: (field) => (pushFloats(floats, field, 4, where), (found = 'floats')),
    8: (field) => (pushIntegers(ints, field, where), (found = 'ints')),
    9: (field) => (strings.push(looseText(field, where)), (found = 'strings')),
    10: () => (other = 'list of tensors'),
    11: () => (other = 'list of graphs'),
    14: () => (other = 'type'),
    15: () => (other = 'list of types'),
    20: (field) => (type = integerOf(field, where)),
    21: (field) => (reference = textOf(field, where)),
    22: () => (other = 'sparse tensor'),
    23: () => (other = 'list of sparse tensors'),
  };
  eachField(bytes, where, (field) => take[field.number]?.(field));
  const kinds = ['', 'float', 'int', 'string', 'tensor', 'graph', 'floats', 'ints', 'strings'];
  // Writers leave out fields that hold a zero; the type then tells which one it was.
  const kind = kinds[type] || found;
  if (reference !== '') return [name, { kind: 'reference', value: reference }];
  if (kind === 'float') return [name, { kind, value: float }];
  if (kind === 'int') return [name, { kind, value: int }];
  if (kind === 'string') return [name, { kind, value: string }];
  if (kind === 'tensor' && tensor) return [name, { kind, value: tensor }];
  if (kind === 'graph' && graph) return [name, { kind, value: graph }];
  if (kind === 'floats') return [name, { kind, value: floats }];
  if (kind === 'ints') return [name, { kind, value: ints }];
  if (kind === 'strings') return [name, { kind, value: strings }];
  return [name, { kind: 'other', value: other || 'value of unknown type' }];
}

/** Attributes of type string may hold any bytes. */
function looseText(field: Field, where: string): string {
  return new TextDecoder().decode(bytesOf(field, where));
}

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
    else if (field.number === 11) pushIntegers(numbers, field, where, true);
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

function readValueInfo(bytes: Uint8Array, where: string): ValueInfo {
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

function readFunction(bytes: Uint8Array): FunctionProto {
  let where = 'a function';
  let name = '';
  let domain = '';
  const inputs: string[] = [];
  const outputs: string[] = [];
  const nodes: NodeProto[] = [];
  const opsets = new Map<string, number>();
  const attributes = new Map<string, Attribute | undefined>();
  eachField(bytes, where, (field) => {
    if (field.number === 1) {
      name = textOf(field, where);
      where = `function ${name}`;
    } else if (field.number === 4) inputs.push(textOf(field, where));
    else if (field.number === 5) outputs.push(textOf(field, where));
    else if (field.number === 6) attributes.set(textOf(field, where), undefined);
    else if (field.number === 7) nodes.push(readNode(bytesOf(field, where), `node ${nodes.length} of ${where}`, 0));
    else if (field.number === 9) readOpset(opsets, bytesOf(field, where));
    else if (field.number === 10) domain = domainOf(textOf(field, where));
    else if (field.number === 11) {
      const [key, value] = readAttribute(bytesOf(field, where), where, 0);
      attributes.set(key, value);
    }
  });
  return { name, domain, inputs, outputs, attributes, nodes, opsets };
}
