/** Constant folding: what depends on nothing but constants is computed once, when the model is loaded. */
import { type Device, sizeOf } from '@mudpt/tensor';
import { type Graph, planFrees } from '../graph/prepare.ts';
import { readsOf } from '../graph/order.ts';
import { HOST_ELEMENTS } from '../node/operator.ts';
import { driveReading } from './drive.ts';
import { runStep, Values } from './execute.ts';

/** @param isVariable whether an initializer may change, so that nothing is computed from it ahead */
export async function foldConstants(device: Device, graph: Graph, isVariable: (name: string) => boolean): Promise<void> {
  const { constants } = graph;
  const isFixed = (name: string): boolean => constants.has(name) && !isVariable(name);
  const rest = [];
  for (const [index, step] of graph.steps.entries()) {
    const { node, operator } = step;
    if (operator.isRandom || operator.control || !readsOf(node).every(isFixed)) {
      rest.push(step);
      continue;
    }
    const values = new Values(constants);
    await driveReading(device, runStep({ device, seed: 0 }, { ...step, free: [] }, index, values));
    const results = node.outputs.filter((name) => name !== '').map((name) => [name, values.takeOut(name)] as const);
    const isLarge = results.some(([, value]) => value && sizeOf(value.shape) > HOST_ELEMENTS);
    if (operator.isExpanding && isLarge) {
      for (const [, value] of results) value?.dispose();
      rest.push(step);
    } else for (const [name, value] of results) if (value) constants.set(name, value);
  }
  graph.steps = rest;
  dropUnread(graph);
  planFrees(graph);
}

/** Releases constants that no step reads any more. */
function dropUnread({ constants, steps, outputs }: Graph): void {
  const read = new Set(outputs.map(({ name }) => name));
  for (const { node, graphs } of steps) {
    for (const name of readsOf(node)) read.add(name);
    for (const { outside } of graphs.values()) for (const name of outside) read.add(name);
  }
  for (const [name, value] of constants) {
    if (read.has(name)) continue;
    value.dispose();
    constants.delete(name);
  }
}
