/** A graph made ready to run: functions inlined, nodes in order, operators found, constants in hand, and when each value is read last. */
import { FormatError, InputError } from '@mudpt/tensor';
import { constantOf, type ExternalBytes } from '../host/constant.ts';
import type { GraphProto, ModelProto, NodeProto, ValueInfo } from '../format/proto.ts';
import { type HostTensor, hostTensor } from '../host/tensor.ts';
import { findOperator } from '../operators/index.ts';
import type { Operator } from '../node/operator.ts';
import { inlineFunctions } from './functions.ts';
import { inOrder, readsOf } from './order.ts';
import { Value } from '../node/value.ts';

export type Step = {
  readonly node: NodeProto;
  readonly operator: Operator;
  readonly opset: number;
  readonly graphs: ReadonlyMap<string, Graph>;
  /** Values that nothing reads after this step. */
  free: readonly string[];
};

export type Graph = {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly constants: Map<string, Value>;
  steps: Step[];
  /** Names from graphs around this one. */
  readonly outside: ReadonlySet<string>;
};

/** @throws InputError that lists every operator that cannot be run; FormatError for a graph that contradicts itself */
export function prepare(model: ModelProto, external: ExternalBytes): Graph {
  const missing = new Map<string, string[]>();
  const graph = inlineFunctions(model);
  const prepared = new Preparation(model, external, missing).graph(graph, new Set());
  if (missing.size > 0) {
    const list = [...missing].map(([what, nodes]) => `${what}: ${nodes.slice(0, 8).join(', ')}${nodes.length > 8 ? ', ...' : ''}`);
    const count = [...missing.values()].reduce((sum, nodes) => sum + nodes.length, 0);
    for (const value of prepared.constants.values()) value.dispose();
    throw new InputError(
      'loadOnnx',
      `${count} node${count === 1 ? '' : 's'} of the model cannot be run here:\n  ${list.join('\n  ')}\n`,
      'export the model with other operators, or for another opset; the README of @mudpt/onnx has the table of what is supported',
    );
  }
  return prepared;
}

class Preparation {
  constructor(
    private readonly model: ModelProto,
    private readonly external: ExternalBytes,
    private readonly missing: Map<string, string[]>,
  ) {}

  graph(proto: GraphProto, around: ReadonlySet<string>): Graph {
    const constants = new Map<string, Value>();
    for (const initializer of proto.initializers) {
      if (initializer.name === '') throw new FormatError('loadOnnx', 'an initializer has no name', 'export the model anew');
      constants.set(initializer.name, Value.host(constantOf(initializer, 'initializer', this.external)));
    }
    const nodes: NodeProto[] = [];
    for (const node of proto.nodes) {
      const constant = node.op === 'Constant' && node.domain === '' ? this.constant(node) : undefined;
      if (!constant) nodes.push(node);
      else if (node.outputs[0] !== undefined) constants.set(node.outputs[0], Value.host(constant));
    }
    const given = new Set([...constants.keys(), ...proto.inputs.map(({ name }) => name)]);
    const { order, outside } = inOrder(nodes, given, around);
    for (const { name } of proto.outputs)
      if (!given.has(name) && !around.has(name) && !order.some(({ outputs }) => outputs.includes(name)))
        throw new FormatError('loadOnnx', `nothing in the graph makes its output "${name}"`, 'export the model anew');
    const known = new Set([...around, ...given, ...order.flatMap(({ outputs }) => outputs)]);
    const steps = order.flatMap((node) => this.step(node, known) ?? []);
    const graph = {
      inputs: proto.inputs.filter(({ name }) => !constants.has(name)),
      outputs: proto.outputs,
      constants,
      steps,
      outside: new Set([...outside, ...proto.outputs.map(({ name }) => name).filter((name) => around.has(name) && !given.has(name))]),
    };
    planFrees(graph);
    return graph;
  }

  private step(node: NodeProto, known: ReadonlySet<string>): Step | undefined {
    const opset = node.opset ?? this.model.opsets.get(node.domain) ?? 0;
    const operator = findOperator(node, opset);
    if (typeof operator === 'string') {
      const nodes = this.missing.get(operator) ?? [];
      nodes.push(node.name === '' ? `the one that makes "${node.outputs[0] ?? ''}"` : `"${node.name}"`);
      this.missing.set(operator, nodes);
    }
    const graphs = new Map<string, Graph>();
    for (const [name, attribute] of node.attributes)
      if (attribute.kind === 'graph') graphs.set(name, this.graph(attribute.value, known));
    return typeof operator === 'string' ? undefined : { node, operator, opset, graphs, free: [] };
  }

  /** The value of a Constant node. */
  private constant({ attributes, name }: NodeProto): HostTensor | undefined {
    for (const [key, attribute] of attributes) {
      if (key === 'value' && attribute.kind === 'tensor') return constantOf(attribute.value, `constant "${name}"`, this.external);
      if (key === 'value_int' && attribute.kind === 'int') return hostTensor('int64', [], [attribute.value]);
      if (key === 'value_float' && attribute.kind === 'float') return hostTensor('float', [], [attribute.value]);
      if (key === 'value_ints' && attribute.kind === 'ints') return hostTensor('int64', [attribute.value.length], attribute.value);
      if (key === 'value_floats' && attribute.kind === 'floats') return hostTensor('float', [attribute.value.length], attribute.value);
    }
    return undefined;
  }
}

/** Tells each step which values it is the last to read. Outputs and constants stay. */
export function planFrees(graph: Graph): void {
  const stay = new Set([...graph.constants.keys(), ...graph.outputs.map(({ name }) => name), ...graph.outside]);
  for (const step of [...graph.steps].reverse()) {
    const names = new Set([...readsOf(step.node), ...step.node.outputs]);
    for (const inner of step.graphs.values()) for (const name of inner.outside) names.add(name);
    names.delete('');
    step.free = [...names].filter((name) => !stay.has(name));
    for (const name of step.free) stay.add(name);
  }
}
