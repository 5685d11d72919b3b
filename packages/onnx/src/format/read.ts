/** Reads ModelProto; field numbers are those of onnx.proto. */
import type { Attribute, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfo } from './proto.ts';
import { readTensor } from './read-tensor.ts';
import { readValueInfo } from './read-value-info.ts';
import { broken, bytesOf, eachField, type Field, floatOf, integerOf, pushFloats, pushIntegers, textOf } from './wire.ts';

/** Graphs inside of nodes of graphs, or sequences of sequences, at most. */
const MAX_DEPTH = 32;

function expectDepth(depth: number, where: string): void {
  if (depth > MAX_DEPTH)
    throw broken(where, `it is nested more than ${MAX_DEPTH} levels deep`, 'give a model without such nesting');
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
    else if (field.number === 5)
      initializers.push(readTensor(bytesOf(field, where), `initializer ${initializers.length} of ${where}`));
    else if (field.number === 11) inputs.push(readValueInfo(bytesOf(field, where), `input ${inputs.length} of ${where}`));
    else if (field.number === 12) outputs.push(readValueInfo(bytesOf(field, where), `output ${outputs.length} of ${where}`));
    else if (field.number === 15)
      throw broken(
        where,
        'it has sparse initializers',
        'convert them to dense ones before exporting: sparse tensors are not supported',
      );
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
