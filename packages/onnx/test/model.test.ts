/** Whole models: inputs and their errors, shapes on the host, folding, control flow, functions, replay, training, constants in other files. */
import { expect, it } from 'vitest';
import { lossAndGradients, parameter } from '@mudpt/autograd';
import { capture, type Device, mean, square, type Tensor, tensor } from '@mudpt/tensor';
import { eachDevice } from '@mudpt/testing/support';
import { type GraphToWrite, loadOnnx, type ModelInput, type ModelToWrite, type NodeToWrite, type OnnxModel, writeModel } from '../src/index.ts';

const load = (device: Device, graph: GraphToWrite, more: Partial<ModelToWrite> = {}): Promise<OnnxModel> => loadOnnx(device, writeModel({ graph, ...more }));
const node = (op: string, inputs: readonly string[], outputs: readonly string[], attributes: NodeToWrite['attributes'] = {}): NodeToWrite => ({ op, inputs, outputs, attributes });
const floats = (...shape: readonly (number | string)[]) => ({ type: 'float', shape }) as const;
const vector = (...data: readonly number[]) => ({ type: 'int64', shape: [data.length], data }) as const;
const number = (data: number) => ({ type: 'int64', shape: [], data: [data] }) as const;

async function read(model: OnnxModel, inputs: Readonly<Record<string, ModelInput>>): Promise<Record<string, number[]>> {
  const outputs = await model.run(inputs);
  const all: Record<string, number[]> = {};
  for (const [name, value] of Object.entries(outputs)) {
    all[name] = [...(await value.data())];
    value.dispose();
  }
  return all;
}

/** x [batch, 4] cut into rows of 2, by a shape that the graph computes. */
const reshaping: GraphToWrite = {
  inputs: { x: floats('batch', 4) },
  outputs: { y: floats('rows', 2) },
  initializers: { zero: number(0), two: vector(2) },
  nodes: [
    node('Shape', ['x'], ['shape']),
    node('Gather', ['shape', 'zero'], ['batch']),
    node('Unsqueeze', ['batch', 'axes'], ['batches']),
    node('Mul', ['batches', 'two'], ['rows']),
    node('Concat', ['rows', 'two'], ['target'], { axis: 0 }),
    node('Reshape', ['x', 'target'], ['cut']),
    node('Constant', [], ['axes'], { value_ints: [0] }),
    node('Relu', ['cut'], ['y']),
  ],
};

eachDevice('models', (ctx) => {
  it('computes shapes on the host, so that nothing is read', async () => {
    using model = await load(ctx.device, reshaping);
    expect(model.inputs).toEqual([{ name: 'x', type: 'float', shape: ['batch', 4] }]);
    using x = tensor([[1, -2, 3, -4]]);
    using y = model.forward({ x })['y'] as Tensor;
    expect(y.shape).toEqual([2, 2]);
    expect([...(await y.data())]).toEqual([1, 0, 3, 0]);
  });

  it('tells what is wrong with inputs', async () => {
    using model = await load(ctx.device, {
      inputs: { x: floats('n', 2), z: floats('n') },
      outputs: { y: floats('n', 2) },
      nodes: [node('Unsqueeze', ['z', 'axes'], ['column']), node('Add', ['x', 'column'], ['y'])],
      initializers: { axes: vector(1) },
    });
    expect(await read(model, { x: [1, 2, 3, 4], z: [10, 20] })).toEqual({ y: [11, 12, 23, 24] });
    await expect(model.run({ x: [1, 2] })).rejects.toThrow(/input "z" is missing/);
    await expect(model.run({ x: [1, 2], z: [1], w: [1] })).rejects.toThrow(/no input "w".*x, z/i);
    await expect(model.run({ x: [1, 2], z: [1, 2] })).rejects.toThrow(/input "z" has shape \[2\].*\[n\] with n = 1/);
    await expect(model.run({ x: { data: [1, 2, 3], shape: [1, 3] }, z: [1] })).rejects.toThrow(/\[1, 3\].*\[n, 2\]/);
    await expect(model.run({ x: { data: [1], shape: [1, 2] }, z: [1] })).rejects.toThrow(/has 1 numbers.*takes 2/);
    using ints = tensor([1], { dtype: 'i32' });
    await expect(model.run({ x: [1, 2], z: ints })).rejects.toThrow(/tensor of i32.*float/i);
  });

  it('refuses integers beyond 32 bits on the device, by value', async () => {
    using model = await load(ctx.device, { inputs: { x: { type: 'int64', shape: [2] } }, outputs: { y: { type: 'int64', shape: [2] } }, nodes: [node('Identity', ['x'], ['y'])] });
    await expect(model.run({ x: [1, 2 ** 40] })).rejects.toThrow(/value 1099511627776 at index 1 of an int64 tensor/);
    expect(await read(model, { x: BigInt64Array.of(7n, -7n) })).toEqual({ y: [7, -7] });
  });

  it('names the node whose op refuses its inputs', async () => {
    using model = await load(ctx.device, { inputs: { x: floats('a', 'b'), z: floats('c', 'd') }, outputs: { y: floats('a', 'd') }, nodes: [{ ...node('MatMul', ['x', 'z'], ['y']), name: 'layer3' }] });
    await expect(model.run({ x: { data: [1, 2], shape: [1, 2] }, z: { data: [1, 2, 3], shape: [3, 1] } })).rejects.toThrow(/MatMul "layer3".*\[1, 2\]/);
  });

  it('computes constants once', async () => {
    using model = await load(ctx.device, {
      inputs: { x: floats(2) },
      outputs: { y: floats(2), z: { type: 'int64', shape: [2] } },
      initializers: { w: { type: 'float', shape: [2], data: [1, 4] }, i: vector(3, 4) },
      nodes: [node('Sqrt', ['w'], ['root']), node('Neg', ['root'], ['minus']), node('Add', ['x', 'minus'], ['y']), node('Add', ['i', 'i'], ['z'])],
    });
    expect(model.nodes).toBe(1);
    expect(await read(model, { x: [0, 0] })).toEqual({ y: [-1, -2], z: [6, 8] });
  });

  const branch = (op: string): GraphToWrite => ({ inputs: {}, outputs: { out: floats(2) }, nodes: [node(op, ['x'], ['out'])] });
  it('runs one branch of If, by a condition of the host or of the device', async () => {
    using model = await load(ctx.device, {
      inputs: { x: floats(2), c: { type: 'bool', shape: [] } },
      outputs: { y: floats(2) },
      nodes: [node('If', ['c'], ['y'], { then_branch: { graph: branch('Relu') }, else_branch: { graph: branch('Neg') } })],
    });
    expect(await read(model, { x: [1, -2], c: true })).toEqual({ y: [1, 0] });
    using c = tensor(0, { dtype: 'bool' });
    using x = tensor([1, -2]);
    expect(await read(model, { x, c })).toEqual({ y: [-1, 2] });
    expect(() => model.forward({ x, c })).toThrow(/depend on numbers/);
  });

  it('runs Loop with carried values and outputs of each step, and Scan', async () => {
    const body: GraphToWrite = {
      inputs: { i: { type: 'int64', shape: [] }, go: { type: 'bool', shape: [] }, state: floats(2) },
      outputs: { more: { type: 'bool', shape: [] }, next: floats(2), step: floats(2) },
      nodes: [node('Identity', ['go'], ['more']), node('Add', ['state', 'x'], ['next']), node('Neg', ['state'], ['step'])],
    };
    using loop = await load(ctx.device, {
      inputs: { x: floats(2), n: { type: 'int64', shape: [] } },
      outputs: { last: floats(2), steps: floats('n', 2) },
      nodes: [node('Loop', ['n', '', 'x'], ['last', 'steps'], { body: { graph: body } })],
    });
    expect(await read(loop, { x: [1, 2], n: 3 })).toEqual({ last: [4, 8], steps: [-1, -2, -2, -4, -3, -6] });
    expect(await read(loop, { x: [1, 2], n: 0 })).toEqual({ last: [1, 2], steps: [] });
    const sums: GraphToWrite = {
      inputs: { sum: floats(2), row: floats(2) },
      outputs: { next: floats(2), out: floats(2) },
      nodes: [node('Add', ['sum', 'row'], ['next']), node('Identity', ['next'], ['out'])],
    };
    using scan = await load(ctx.device, {
      inputs: { start: floats(2), rows: floats('n', 2) },
      outputs: { last: floats(2), all: floats('n', 2) },
      nodes: [node('Scan', ['start', 'rows'], ['last', 'all'], { num_scan_inputs: 1, body: { graph: sums } })],
    });
    expect(await read(scan, { start: [0, 0], rows: [1, 2, 3, 4] })).toEqual({ last: [4, 6], all: [1, 2, 4, 6] });
  });

  it('runs functions that a model defines, with the attributes of the call', async () => {
    using model = await load(
      ctx.device,
      { inputs: { x: floats(2) }, outputs: { y: floats(2) }, nodes: [{ ...node('Twice', ['x'], ['y'], { slope: { float: 0.5 } }), domain: 'mine' }] },
      {
        domains: { mine: 1 },
        functions: [
          {
            name: 'Twice',
            domain: 'mine',
            inputs: ['a'],
            outputs: ['b'],
            attributes: ['slope'],
            nodes: [node('Add', ['a', 'a'], ['sum']), node('LeakyRelu', ['sum'], ['b'], { alpha: { reference: 'slope', type: 'float' } })],
          },
        ],
      },
    );
    expect(await read(model, { x: [1, -2] })).toEqual({ y: [2, -2] });
  });

  it('replays a captured model to the same bits', async () => {
    using model = await load(ctx.device, reshaping);
    using step = model.capture();
    for (const values of [[1, -2, 3, -4], [5, 6, -7, 8]]) {
      const [expected] = Object.values(await read(model, { x: values }));
      const { y } = step({ x: model.hostInput('x', values, [1, 4]) });
      expect([...(await (y as Tensor).data())]).toEqual(expected);
    }
    expect(step.plans.length).toBe(1);
  });

  it('lets gradients through, also when the step is captured', async () => {
    const graph: GraphToWrite = {
      inputs: { x: floats('n', 2) },
      outputs: { y: floats('n', 2) },
      initializers: { w: { type: 'float', shape: [2, 2], data: [1, 2, 3, 4] }, b: { type: 'float', shape: [2], data: [0, 0] }, half: { type: 'float', shape: [], data: [0.5] } },
      nodes: [node('Gemm', ['x', 'w', 'b'], ['h'], { transB: 1 }), node('Mul', ['h', 'half'], ['y'])],
    };
    using model = await loadOnnx(ctx.device, writeModel({ graph }), { trainable: parameter });
    expect([...model.parameters.keys()]).toEqual(['w', 'b', 'half']);
    const gradient = ({ x }: { readonly x: Tensor }): Tensor => {
      const { gradients, value } = lossAndGradients(() => mean(square(model.forward({ x })['y'] as Tensor)));
      value.dispose();
      const found = gradients.of(model.parameters.get('w') as Tensor) as Tensor;
      for (const name of ['b', 'half']) gradients.of(model.parameters.get(name) as Tensor)?.dispose();
      return found;
    };
    using step = capture(gradient, { device: ctx.device });
    // y = x W^T / 2: the loss is |y|^2 / 2, so that dW = y^T x / 2.
    const found = step({ x: { data: [1, 1], shape: [1, 2] } });
    expect([...(await found.data())]).toEqual([0.75, 0.75, 1.75, 1.75]);
  });

  it('reads constants from other files, inside of the folder only', async () => {
    const graph = (location: string): GraphToWrite => ({
      inputs: { x: floats(2) },
      outputs: { y: floats(2) },
      initializers: { w: { type: 'float', shape: [2], data: [], external: { location, offset: 4, length: 8 } } },
      nodes: [node('Add', ['x', 'w'], ['y'])],
    });
    const external = (): Uint8Array => new Uint8Array(Float32Array.of(9, 1, 2).buffer);
    using model = await loadOnnx(ctx.device, writeModel({ graph: graph('weights.bin') }), { external });
    expect(await read(model, { x: [10, 20] })).toEqual({ y: [11, 22] });
    await expect(loadOnnx(ctx.device, writeModel({ graph: graph('../weights.bin') }), { external })).rejects.toThrow(/outside of the model's folder/);
    await expect(load(ctx.device, graph('weights.bin'))).rejects.toThrow(/file "weights.bin".*options.external/i);
    const short = (): Uint8Array => new Uint8Array(4);
    await expect(loadOnnx(ctx.device, writeModel({ graph: graph('weights.bin') }), { external: short })).rejects.toThrow(/there are 4 bytes/);
  });
});
