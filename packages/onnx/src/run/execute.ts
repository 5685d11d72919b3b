/** Runs a prepared graph. What has to be read from the device is asked for with `yield`, so that one code serves calls that may wait and ones that may not. */
import { type Device, scope, sizeOf, TensorError } from '@mudpt/tensor';
import type { Graph, Step } from '../graph/prepare.ts';
import type { HostTensor } from '../host/tensor.ts';
import { Call } from '../node/call.ts';
import { HOST_ELEMENTS, type Operator, type Reading, type Result, type Subgraph } from '../node/operator.ts';
import { settled } from '../node/results.ts';
import { Value } from '../node/value.ts';

/** What a run has in common. */
export type Run = { readonly device: Device; readonly seed: number };

/** The values of one graph during a run, and of those around it. */
export class Values {
  private readonly made = new Map<string, Value>();

  constructor(
    private readonly constants: ReadonlyMap<string, Value>,
    private readonly around?: Values,
  ) {}

  get(name: string): Value | undefined {
    return this.made.get(name) ?? this.constants.get(name) ?? this.around?.get(name);
  }

  /** Takes the value over. */
  set(name: string, value: Value): void {
    this.made.set(name, value);
  }

  free(name: string): void {
    this.made.get(name)?.dispose();
    this.made.delete(name);
  }

  /** The value, which the caller then has to dispose. */
  takeOut(name: string): Value | undefined {
    const value = this.made.get(name);
    if (!value) return this.get(name)?.share();
    this.made.delete(name);
    return value;
  }

  dispose(): void {
    for (const value of this.made.values()) value.dispose();
    this.made.clear();
  }
}

/** The outputs of `graph`, which the caller disposes. Takes the inputs over. */
export function* runGraph(run: Run, graph: Graph, inputs: readonly Value[], around?: Values): Reading<Value[]> {
  const values = new Values(graph.constants, around);
  graph.inputs.forEach(({ name }, index) => {
    const value = inputs[index];
    if (value) values.set(name, value);
  });
  try {
    for (const [index, step] of graph.steps.entries()) yield* runStep(run, step, index, values);
    const outputs = new Map<string, Value>();
    return graph.outputs.map(({ name }) => {
      const value = outputs.get(name)?.share() ?? values.takeOut(name);
      if (!value) throw new RangeError(`output ${name} was not made`);
      outputs.set(name, value);
      return value;
    });
  } finally {
    values.dispose();
  }
}

/** Runs one node: its results are then among the values, and what nothing reads any more is not. */
export function* runStep(run: Run, step: Step, index: number, values: Values): Reading<void> {
  const { node, operator, opset } = step;
  const inputs = node.inputs.map((name) => (name === '' ? undefined : values.get(name)));
  const call = new Call(run.device, node, opset, inputs, run.seed + index);
  try {
    const needed = operator.reads === 'all' ? inputs.map((_, at) => at) : (operator.reads ?? []);
    for (const at of needed) {
      const value = inputs[at];
      if (value && !value.host) yield value;
    }
    const results = operator.control ? yield* operator.control(call, bind(run, step, values)) : compute(call, operator);
    node.outputs.forEach((name, at) => {
      const result = results[at];
      if (name !== '' && result) values.set(name, result);
      else result?.dispose();
    });
    for (const extra of results.slice(node.outputs.length)) extra?.dispose();
  } catch (error) {
    throw error instanceof TensorError ? inNameOf(call.label, error) : error;
  }
  for (const name of step.free) values.free(name);
}

/** The same error, of the same class, that says which node it is about. */
function inNameOf(label: string, error: TensorError): TensorError {
  if (error.message.includes(label)) return error;
  const Kind = error.constructor as new (...args: ConstructorParameters<typeof TensorError>) => TensorError;
  return new Kind('onnx', `${label}: ${error.message.replace(/\.$/, '')}`, 'see which values the node gets: inputs must be those that the model was made for', {
    cause: error,
  });
}

/** The graphs of a step, to be run among its values. */
function bind(run: Run, { graphs }: Step, values: Values): ReadonlyMap<string, Subgraph> {
  const bound = [...graphs].map(([name, graph]): [string, Subgraph] => {
    const call = (inputs: readonly Value[]): Reading<Value[]> => runGraph(run, graph, inputs, values);
    return [name, Object.assign(call, { outputs: graph.outputs, arity: graph.inputs.length })];
  });
  return new Map(bound);
}

/** Runs an operator: on the host where its inputs are known there and small, else on the device. */
export function compute(call: Call, operator: Operator): readonly (Value | undefined)[] {
  const onHost = operator.host && isSmall(call, !operator.run) ? operator.host(call) : undefined;
  if (onHost) return asList(onHost).map((numbers) => Value.host(numbers));
  const { run } = operator;
  if (!run) throw call.error('its inputs are too large to be computed on the host', 'report this');
  return scope(() => {
    const values = asList(run(call)).map((result) => settled(call, result));
    return values;
  });
}

function asList<T extends HostTensor | Result>(result: T | readonly T[]): readonly T[] {
  return Array.isArray(result) ? (result as readonly T[]) : [result as T];
}

function isSmall(call: Call, always: boolean): boolean {
  let total = 0;
  for (const value of call.inputs) {
    if (!value) continue;
    if (!value.host) return false;
    total += sizeOf(value.shape);
  }
  return always || total <= HOST_ELEMENTS;
}
