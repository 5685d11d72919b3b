/** If, Loop and Scan: the host decides, so conditions that depend on the device's numbers are read. */
import * as engine from '@mudpt/tensor';
import { keep, scope, type Tensor } from '@mudpt/tensor';
import { elementTypeOf } from '../host/constant.ts';
import { hostScalar } from '../host/tensor.ts';
import type { Call } from '../node/call.ts';
import type { Operator, Operators, Reading, Subgraph } from '../node/operator.ts';
import { Value } from '../node/value.ts';

function graphOf(call: Call, graphs: ReadonlyMap<string, Subgraph>, name: string): Subgraph {
  const graph = graphs.get(name);
  if (!graph) throw call.error(`its graph ${name} is missing`, 'export the model anew');
  return graph;
}

/** Whether a value of one bool is true. Disposes nothing. */
function* truth(value: Value): Reading<boolean> {
  if (!value.host) yield value;
  return (value.host?.data[0] ?? 0) !== 0;
}

const ifOperator: Operator = {
  by: 'op',
  reads: [0],
  *control(call, graphs) {
    const isTrue = (call.list(0)[0] ?? 0) !== 0;
    return yield* graphOf(call, graphs, isTrue ? 'then_branch' : 'else_branch')([]);
  },
};

/** A value of the tensor, which is not of the surrounding scope. */
function made(type: Value['type'], make: () => Tensor): Value {
  return scope(() => Value.device(type, keep(make())));
}

/** Values of all steps along a new axis. Disposes them. */
function stacked(call: Call, graph: Subgraph, output: number, steps: readonly Value[], axis = 0): Value {
  const [first] = steps;
  if (first) {
    const value = made(first.type, () =>
      engine.stack(
        steps.map((step) => step.tensor(call.device)),
        axis,
      ),
    );
    for (const step of steps) step.dispose();
    return value;
  }
  const info = graph.outputs[output];
  const sizes = info?.shape;
  if (!info || !sizes?.every((size) => typeof size === 'number'))
    throw call.error(`it makes no step, and the graph does not tell the shape of its output ${output}`, 'export the model with shapes');
  const type = elementTypeOf(info.type, call.label);
  return made(type, () => engine.zeros([0, ...(sizes as number[])], { dtype: call.dtype(type), device: call.device }));
}

const loop: Operator = {
  by: 'op',
  reads: [0, 1],
  *control(call, graphs) {
    const body = graphOf(call, graphs, 'body');
    const trips = call.has(0) ? (call.list(0)[0] ?? 0) : Number.POSITIVE_INFINITY;
    let goesOn = call.has(1) ? (call.list(1)[0] ?? 0) !== 0 : true;
    let carried = call.inputs.slice(2).map((_, index) => call.value(index + 2).share());
    const scans: Value[][] = Array.from({ length: body.outputs.length - 1 - carried.length }, () => []);
    try {
      for (let i = 0; i < trips && goesOn; i += 1) {
        const given = [Value.host(hostScalar('int64', i)), Value.host(hostScalar('bool', 1)), ...carried];
        const count = carried.length;
        carried = [];
        const [condition, ...results] = yield* body(given);
        carried = results.slice(0, count);
        results.slice(count).forEach((value, index) => scans[index]?.push(value));
        if (!condition) throw call.error('its body gives no condition', 'export the model anew');
        try {
          goesOn = yield* truth(condition);
        } finally {
          condition.dispose();
        }
      }
      const first = 1 + carried.length;
      const results = [...carried, ...scans.map((steps, index) => stacked(call, body, first + index, steps))];
      carried = [];
      scans.length = 0;
      return results;
    } finally {
      for (const value of [...carried, ...scans.flat()]) value.dispose();
    }
  },
};

const scan: Operator = {
  by: 'op',
  since: 9,
  *control(call, graphs) {
    const body = graphOf(call, graphs, 'body');
    const count = call.int('num_scan_inputs');
    const states = call.inputs.length - count;
    const outputs = body.outputs.length - states;
    const inputAxes = call.ints('scan_input_axes') ?? [];
    const inputDirections = call.ints('scan_input_directions') ?? [];
    const axes = Array.from({ length: count }, (_, i) => call.axis(inputAxes[i] ?? 0, call.shape(states + i).length));
    const length = call.shape(states)[axes[0] ?? 0] ?? 0;
    let carried = call.inputs.slice(0, states).map((_, index) => call.value(index).share());
    const scans: Value[][] = Array.from({ length: outputs }, () => []);
    try {
      for (let i = 0; i < length; i += 1) {
        const slices = axes.map((axis, at) => {
          const index = inputDirections[at] === 1 ? length - 1 - i : i;
          return made(call.type(states + at), () => engine.select(call.x(states + at), axis, index));
        });
        const given = [...carried, ...slices];
        carried = [];
        const results = yield* body(given);
        carried = results.slice(0, states);
        results.slice(states).forEach((value, index) => scans[index]?.push(value));
      }
      const directions = call.ints('scan_output_directions') ?? [];
      const outputAxes = call.ints('scan_output_axes') ?? [];
      const results = [
        ...carried,
        ...scans.map((steps, index) => {
          const ordered = directions[index] === 1 ? steps.toReversed() : steps;
          return stacked(call, body, states + index, ordered, outputAxes[index] ?? 0);
        }),
      ];
      carried = [];
      scans.length = 0;
      return results;
    } finally {
      for (const value of [...carried, ...scans.flat()]) value.dispose();
    }
  },
};

export const controlOperators: Operators = { If: ifOperator, Loop: loop, Scan: scan };
