/** One call of an operator: its inputs and attributes, checked where they are asked for. */
import { type Device, FormatError, InputError, type Operand, type Tensor } from '@mudpt/tensor';
import { normalizeAxis } from '@mudpt/tensor/kernels';
import type { Attribute, NodeProto, TensorProto } from '../format/proto.ts';
import { dtypeOf, type ElementType } from '../format/types.ts';
import type { Value } from './value.ts';
import { type HostTensor, listOf } from '../host/tensor.ts';

type Kinds = {
  int: number;
  float: number;
  string: string;
  ints: readonly number[];
  floats: readonly number[];
  strings: readonly string[];
  tensor: TensorProto;
};

/** What an operator's implementation sees of its node. */
export class Call {
  constructor(
    readonly device: Device,
    readonly node: NodeProto,
    /** Version of the node's domain. */
    readonly opset: number,
    readonly inputs: readonly (Value | undefined)[],
    /** Distinguishes the random numbers of nodes and runs. */
    readonly seed: number = 0,
  ) {}

  /** Number of outputs that the node names. */
  get outputs(): number {
    return this.node.outputs.length;
  }

  /** Whether output `index` is read by anybody. */
  wants(index: number): boolean {
    return (this.node.outputs[index] ?? '') !== '';
  }

  value(index: number): Value {
    const value = this.inputs[index];
    if (!value) throw this.error(`input ${index} is missing`, 'export the model anew');
    return value;
  }

  has(index: number): boolean {
    return this.inputs[index] !== undefined;
  }

  /** Input `index` on the device; it belongs to its value. */
  x(index: number): Tensor {
    return this.value(index).tensor(this.device);
  }

  maybe(index: number): Tensor | undefined {
    return this.inputs[index]?.tensor(this.device);
  }

  shape(index: number): readonly number[] {
    return this.value(index).shape;
  }

  type(index: number): ElementType {
    return this.value(index).type;
  }

  dtype(type: ElementType): ReturnType<typeof dtypeOf> {
    return dtypeOf(type, this.device);
  }

  /** Input `index` as an operand: a constant scalar needs no upload. */
  operand(index: number): Operand {
    const value = this.value(index);
    const [number] = value.host?.data ?? [];
    const others = this.inputs.filter((_, i) => i !== index);
    const isScalar = value.shape.length === 0 && number !== undefined && Number.isFinite(number);
    return isScalar && others.some((other) => other !== undefined && !(other.shape.length === 0 && other.host)) ? number : this.x(index);
  }

  /** Input `index` in host memory: operators tell which ones they need there, and those have been read. */
  host(index: number): HostTensor {
    const numbers = this.value(index).host;
    if (!numbers) throw this.error(`input ${index} is not known on the host`, 'report this: the operator should have had it read');
    return numbers;
  }

  list(index: number): number[] {
    return listOf(this.host(index));
  }

  /** The only number of input `index`. */
  scalar(index: number): number {
    const { data, shape } = this.host(index);
    const [number] = data;
    if (data.length !== 1 || number === undefined) throw this.error(`input ${index} has shape [${shape.join(', ')}]`, 'give one number');
    return number;
  }

  private attribute<K extends keyof Kinds>(name: string, kind: K): Kinds[K] | undefined {
    const found: Attribute | undefined = this.node.attributes.get(name);
    if (!found) return undefined;
    if (found.kind !== kind)
      throw new FormatError('onnx', `${this.label}: attribute ${name} is a ${found.kind}, not a ${kind}`, 'export the model anew');
    return found.value as Kinds[K];
  }

  get label(): string {
    const { name, op, outputs } = this.node;
    return `${op} ${name === '' ? `-> ${outputs.join(', ')}` : `"${name}"`}`;
  }

  isGiven(name: string): boolean {
    return this.node.attributes.has(name);
  }

  int(name: string, otherwise?: number): number {
    return this.attribute(name, 'int') ?? this.absent(name, otherwise);
  }

  float(name: string, otherwise?: number): number {
    return this.attribute(name, 'float') ?? this.absent(name, otherwise);
  }

  text(name: string, otherwise: string): string {
    return this.attribute(name, 'string') ?? otherwise;
  }

  ints(name: string): readonly number[] | undefined {
    return this.attribute(name, 'ints');
  }

  floats(name: string): readonly number[] | undefined {
    return this.attribute(name, 'floats');
  }

  texts(name: string): readonly string[] | undefined {
    return this.attribute(name, 'strings');
  }

  tensor(name: string): TensorProto | undefined {
    return this.attribute(name, 'tensor');
  }

  private absent(name: string, otherwise: number | undefined): number {
    if (otherwise === undefined) throw this.error(`attribute ${name} is missing`, 'export the model anew');
    return otherwise;
  }

  /** Axis from the front for a shape of `rank` axes. */
  axis(axis: number, rank: number): number {
    return normalizeAxis(this.node.op, axis, Array.from({ length: rank }, () => 1));
  }

  /** Whole numbers that old versions have as an attribute and newer ones as an input. */
  intsOf(name: string, input: number): readonly number[] | undefined {
    return this.has(input) ? this.list(input) : this.ints(name);
  }

  error(problem: string, fix: string): InputError {
    return new InputError('onnx', `${this.label}: ${problem}`, fix);
  }
}
