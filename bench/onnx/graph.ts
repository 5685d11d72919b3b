/** Builds ONNX models (opset 17, IR 8; field numbers from onnx.proto) so that ONNX Runtime can be measured without its Python tools. */
import { type Bytes, field, float, integer, integers, join } from './protobuf.ts';

const FLOAT = 1;
const INT64 = 7;
type Attribute = number | string | readonly number[] | { readonly float: number };

export class OnnxGraph {
  private readonly nodes: Bytes[] = [];
  private readonly initializers: Bytes[] = [];
  private readonly inputs: Bytes[] = [];
  private count = 0;

  input(name: string, shape: readonly number[]): string {
    this.inputs.push(field(11, valueInfo(name, shape)));
    return name;
  }

  /** A constant tensor. @returns its name */
  constant(shape: readonly number[], data: Float32Array | BigInt64Array): string {
    const name = `c${this.count++}`;
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const type = data instanceof Float32Array ? FLOAT : INT64;
    this.initializers.push(field(5, join([integers(1, shape), integer(2, type), field(8, name), field(9, raw)])));
    return name;
  }

  scalar(value: number): string {
    return this.constant([], Float32Array.of(value));
  }

  shape(...sizes: readonly number[]): string {
    return this.constant([sizes.length], BigInt64Array.from(sizes.map(BigInt)));
  }

  /** Appends an operator with one output. @returns the output's name */
  node(op: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}, domain = ''): string {
    const output = `v${this.count++}`;
    this.nodes.push(
      field(
        1,
        join([
          ...inputs.map((name) => field(1, name)),
          field(2, output),
          field(3, output),
          field(4, op),
          ...Object.entries(attributes).map(([name, value]) => field(5, attribute(name, value))),
          field(7, domain),
        ]),
      ),
    );
    return output;
  }

  /** The serialised model with one output. */
  model(output: string, shape: readonly number[]): Bytes {
    const graph = join([
      ...this.nodes,
      field(2, 'bench'),
      ...this.initializers,
      ...this.inputs,
      field(12, valueInfo(output, shape)),
    ]);
    const opset = (domain: string, version: number): Bytes => field(8, join([field(1, domain), integer(2, version)]));
    return join([integer(1, 8), field(2, 'bench'), field(7, graph), opset('', 17), opset('com.microsoft', 1)]);
  }
}

function attribute(name: string, value: Attribute): Bytes {
  if (typeof value === 'number') return join([field(1, name), integer(3, value), integer(20, 2)]);
  if (typeof value === 'string') return join([field(1, name), field(4, value), integer(20, 3)]);
  if ('float' in value) return join([field(1, name), float(2, value.float), integer(20, 1)]);
  return join([field(1, name), integers(8, value), integer(20, 7)]);
}

function valueInfo(name: string, shape: readonly number[]): Bytes {
  const dims = shape.map((size) => field(1, integer(1, size)));
  const tensorType = field(1, join([integer(1, FLOAT), field(2, join(dims))]));
  return join([field(1, name), field(2, tensorType)]);
}
