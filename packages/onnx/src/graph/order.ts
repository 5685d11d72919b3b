/** The order of a graph's nodes, by what they read. */
import { FormatError } from '@mudpt/tensor';
import type { NodeProto } from '../format/proto.ts';

/** Names that a node itself reads, without those of its graphs. */
export const readsOf = (node: NodeProto): string[] => node.inputs.filter((name) => name !== '');

/** Names that a node reads, those of its graphs that they do not make themselves included. */
function allReads(node: NodeProto): Set<string> {
  const names = new Set(readsOf(node));
  for (const attribute of node.attributes.values()) {
    if (attribute.kind !== 'graph') continue;
    const { inputs, initializers, nodes, outputs } = attribute.value;
    const made = new Set([...inputs, ...initializers].map(({ name }) => name));
    for (const inner of nodes) for (const name of inner.outputs) made.add(name);
    for (const inner of nodes) for (const name of allReads(inner)) if (!made.has(name)) names.add(name);
    for (const { name } of outputs) if (!made.has(name)) names.add(name);
  }
  return names;
}

/**
 * Nodes so that each comes after those whose results it reads; in the given order where that is one.
 * @param given names of inputs and constants
 * @param around names of the graphs around this one
 * @throws FormatError for a cycle, a name that nothing makes, or one that two nodes make
 */
export function inOrder(
  nodes: readonly NodeProto[],
  given: ReadonlySet<string>,
  around: ReadonlySet<string>,
): { readonly order: readonly NodeProto[]; readonly outside: ReadonlySet<string> } {
  const maker = new Map<string, number>();
  nodes.forEach(({ outputs }, index) => {
    for (const name of outputs) {
      if (name === '') continue;
      if (maker.has(name) || given.has(name))
        throw new FormatError('loadOnnx', `the graph makes "${name}" twice`, 'give every value a name of its own');
      maker.set(name, index);
    }
  });
  const outside = new Set<string>();
  const waiting: number[] = [];
  const readers = nodes.map((): number[] => []);
  nodes.forEach((node, index) => {
    const makers = new Set<number>();
    for (const name of allReads(node)) {
      const from = maker.get(name);
      if (from !== undefined) makers.add(from);
      else if (!given.has(name)) {
        if (!around.has(name))
          throw new FormatError('loadOnnx', `${node.op} "${node.name}" reads "${name}", which nothing makes`, 'export the model anew');
        outside.add(name);
      }
    }
    waiting[index] = makers.size;
    for (const from of makers) readers[from]?.push(index);
  });
  const isSorted = nodes.every((_, index) => readers[index]?.every((reader) => reader > index));
  if (isSorted) return { order: nodes, outside };
  const ready = nodes.map((_, index) => index).filter((index) => waiting[index] === 0);
  const order: NodeProto[] = [];
  for (const index of ready) {
    order.push(nodes[index] as NodeProto);
    for (const reader of readers[index] ?? []) {
      waiting[reader] = (waiting[reader] ?? 0) - 1;
      if (waiting[reader] === 0) ready.push(reader);
    }
  }
  if (order.length === nodes.length) return { order, outside };
  const stuck = nodes.filter((node) => !order.includes(node)).slice(0, 4);
  throw new FormatError(
    'loadOnnx',
    `the graph has a cycle: ${stuck.map(({ op, name }) => `${op} "${name}"`).join(', ')} wait for one another`,
    'export the model anew',
  );
}
