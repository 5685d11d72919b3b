/** Builds ONNX models (opset 17) one node after another, as an exporter would write them. */
import { type AttributeToWrite, type NodeToWrite, type TensorToWrite, writeModel } from '@mudpt/onnx';

export class OnnxGraph {
  private readonly nodes: NodeToWrite[] = [];
  private readonly initializers: Record<string, TensorToWrite> = {};
  private readonly inputs: Record<string, { readonly type: 'float'; readonly shape: readonly number[] }> = {};
  private count = 0;

  input(name: string, shape: readonly number[]): string {
    this.inputs[name] = { type: 'float', shape };
    return name;
  }

  /** A constant tensor. @returns its name */
  constant(shape: readonly number[], data: Float32Array | readonly number[], type: 'float' | 'int64' = 'float'): string {
    const name = `c${this.count++}`;
    this.initializers[name] = { type, shape, data };
    return name;
  }

  scalar(value: number): string {
    return this.constant([], Float32Array.of(value));
  }

  shape(...sizes: readonly number[]): string {
    return this.constant([sizes.length], sizes, 'int64');
  }

  /** Appends an operator with one output. @returns the output's name */
  node(op: string, inputs: readonly string[], attributes: Readonly<Record<string, AttributeToWrite>> = {}, domain = ''): string {
    const output = `v${this.count++}`;
    this.nodes.push({ op, inputs, outputs: [output], name: output, domain, attributes });
    return output;
  }

  /** The serialised model with one output. */
  model(output: string, shape: readonly number[]): Uint8Array {
    const { nodes, inputs, initializers } = this;
    return writeModel({
      opset: 17,
      domains: { 'com.microsoft': 1 },
      graph: { name: 'bench', nodes, inputs, initializers, outputs: { [output]: { type: 'float', shape } } },
    });
  }
}
