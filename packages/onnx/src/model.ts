/** A loaded model: run it, replay it, or let a tape follow it. */
import { capture, type Captured, type CaptureInput, type Device, InputError, type Tensor } from '@mudpt/tensor';
import { dtypeOf } from './format/types.ts';
import type { Graph } from './graph/prepare.ts';
import { inputValues, type ModelInput, type ModelValue } from './inputs.ts';
import { secondHandle, type Value } from './node/value.ts';
import type { Reading } from './node/operator.ts';
import { driveAtOnce, driveReading } from './run/drive.ts';
import { runGraph } from './run/execute.ts';

/** Outputs by name. Integers of 64 bits are i32, those of 2 to 16 bits i32 or u32. */
export type ModelOutputs = Readonly<Record<string, Tensor>>;

/** What {@link OnnxModel.capture} returns. */
export type CapturedModel = Captured<string, ModelOutputs>;

/** A graph on a device with its constants. {@link loadOnnx} makes models. */
export class OnnxModel {
  private runs = 0;

  constructor(
    readonly device: Device,
    /** Inputs of a run, without constants. */
    readonly inputs: readonly ModelValue[],
    readonly outputs: readonly ModelValue[],
    /** Float initializers by name, where the model was loaded as trainable; else none. */
    readonly parameters: ReadonlyMap<string, Tensor>,
    private readonly graph: Graph,
  ) {}

  /** Nodes that a run goes through, after constant folding. */
  get nodes(): number {
    return this.graph.steps.length;
  }

  /**
   * Runs the model. It waits only where a shape, or which graph runs, depends on numbers that are on the device.
   * @returns tensors that the caller disposes, or the surrounding scope
   * @throws InputError for inputs that do not fit; errors of ops, with the node's name
   */
  async run(inputs: Readonly<Record<string, ModelInput>>): Promise<ModelOutputs> {
    return this.results(await driveReading(this.device, this.start(inputs)));
  }

  /**
   * As {@link run}, at once: for tapes, scopes in pages, and captured functions.
   * @throws CaptureError where it would have to read from the device
   */
  forward(inputs: Readonly<Record<string, ModelInput>>): ModelOutputs {
    return this.results(driveAtOnce(this.start(inputs)));
  }

  /**
   * The model as a captured function: recorded at its first call and for every new combination of shapes, replayed afterwards.
   * @param fixed inputs that are the same in every call, such as shapes and numbers of steps
   */
  capture(fixed: Readonly<Record<string, ModelInput>> = {}): CapturedModel {
    return capture<string, ModelOutputs>((inputs: Readonly<Record<string, Tensor>>) => this.forward({ ...fixed, ...inputs }), {
      device: this.device,
    });
  }

  /** Numbers as an input of a captured function. */
  hostInput(
    name: string,
    data: readonly number[] | Float32Array | Int32Array | Uint32Array,
    shape: readonly number[],
  ): CaptureInput {
    const input = this.inputs.find((one) => one.name === name);
    if (!input)
      throw new InputError(
        'onnx',
        `the model has no input "${name}"`,
        `its inputs are ${this.inputs.map((one) => one.name).join(', ')}`,
      );
    return { data, shape, dtype: dtypeOf(input.type, this.device) };
  }

  private start(inputs: Readonly<Record<string, ModelInput>>): Reading<Value[]> {
    this.runs += 1;
    const values = inputValues(this.device, this.inputs, inputs);
    return runGraph({ device: this.device, seed: this.runs * 2 ** 20 }, this.graph, values);
  }

  /** Handles for the caller. */
  private results(values: readonly Value[]): ModelOutputs {
    try {
      return Object.fromEntries(
        this.outputs.map(({ name }, index) => [name, secondHandle((values[index] as Value).tensor(this.device))]),
      );
    } finally {
      for (const value of values) value.dispose();
    }
  }

  /** Releases the constants. */
  dispose(): void {
    releaseGraph(this.graph);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** Releases the constants of a graph and of the graphs of its nodes. */
export function releaseGraph(graph: Graph): void {
  for (const value of graph.constants.values()) value.dispose();
  for (const { graphs } of graph.steps) for (const inner of graphs.values()) releaseGraph(inner);
}
