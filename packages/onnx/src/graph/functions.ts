/** Operators that a model defines itself, replaced by their nodes. */
import { FormatError } from '@mudpt/tensor';
import type { Attribute, FunctionProto, GraphProto, ModelProto, NodeProto } from '../format/proto.ts';

/** Calls of functions inside of functions, and nodes after all are replaced, at most. */
const MAX_DEPTH = 32;
const MAX_NODES = 1_000_000;

/** The model's graph without calls of its functions. @throws FormatError for functions that call themselves */
export function inlineFunctions(model: ModelProto): GraphProto {
  if (model.functions.length === 0) return model.graph;
  const functions = new Map(model.functions.map((one) => [`${one.domain}:${one.name}`, one]));
  let calls = 0;
  let count = 0;

  const inGraph = (graph: GraphProto, depth: number): GraphProto => ({
    ...graph,
    nodes: graph.nodes.flatMap((node) => inNode(node, depth)),
  });
  const inNode = (node: NodeProto, depth: number): NodeProto[] => {
    const found = functions.get(`${node.domain}:${node.op}`);
    if (!found) {
      count += 1;
      if (count > MAX_NODES) throw new FormatError('loadOnnx', `its functions make more than ${MAX_NODES} nodes`, 'give a smaller model');
      const attributes = [...node.attributes].map(([name, attribute]): [string, Attribute] => [
        name,
        attribute.kind === 'graph' ? { kind: 'graph', value: inGraph(attribute.value, depth) } : attribute,
      ]);
      return [{ ...node, attributes: new Map(attributes) }];
    }
    if (depth >= MAX_DEPTH)
      throw new FormatError('loadOnnx', `function ${found.name} is called ${MAX_DEPTH} levels deep`, 'functions must not call themselves');
    calls += 1;
    return bodyOf(found, node, `${node.name || found.name}/${calls}/`).flatMap((inner) => inNode(inner, depth + 1));
  };
  return inGraph(model.graph, 0);
}

/** Nodes of a function with the names and attributes of a call. */
function bodyOf(found: FunctionProto, call: NodeProto, prefix: string): NodeProto[] {
  const names = new Map<string, string>();
  found.inputs.forEach((name, index) => names.set(name, call.inputs[index] ?? ''));
  found.outputs.forEach((name, index) => names.set(name, call.outputs[index] || prefix + name));
  const rename = (name: string): string => (name === '' ? '' : (names.get(name) ?? prefix + name));
  const inGraph = (graph: GraphProto): GraphProto => ({
    ...graph,
    nodes: graph.nodes.map(inNode),
    initializers: graph.initializers.map((one) => ({ ...one, name: rename(one.name) })),
    inputs: graph.inputs.map((one) => ({ ...one, name: rename(one.name) })),
    outputs: graph.outputs.map((one) => ({ ...one, name: rename(one.name) })),
  });
  const inNode = (node: NodeProto): NodeProto => {
    const attributes = new Map<string, Attribute>();
    for (const [name, attribute] of node.attributes) {
      if (attribute.kind === 'reference') {
        const given = call.attributes.get(attribute.value) ?? found.attributes.get(attribute.value);
        if (given) attributes.set(name, given);
      } else attributes.set(name, attribute.kind === 'graph' ? { kind: 'graph', value: inGraph(attribute.value) } : attribute);
    }
    return {
      ...node,
      name: prefix + node.name,
      opset: node.opset ?? found.opsets.get(node.domain),
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
      attributes,
    };
  };
  return found.nodes.map(inNode);
}
