/** Files as they should not be: cut off, mutated, cyclic, nested, of lying sizes. None may hang, take memory that is not there, or fail without saying why. */
import { expect, it } from 'vitest';
import { FormatError, InputError, TensorError } from '@mudpt/tensor';
import { seeded } from '@mudpt/testing/fuzz';
import { readModel } from '../src/format/read.ts';
import type { ElementType } from '../src/format/types.ts';
import { prepare } from '../src/graph/prepare.ts';
import { constantOf } from '../src/host/constant.ts';
import { readTensor } from '../src/format/read-tensor.ts';
import { writeTensor } from '../src/format/write.ts';
import { type GraphToWrite, type NodeToWrite, writeModel } from '../src/index.ts';

const info = { type: 'float', shape: [2] } as const;
const graphOf = (nodes: readonly NodeToWrite[], more: Partial<GraphToWrite> = {}): GraphToWrite => ({
  nodes,
  inputs: { x: info },
  outputs: { y: info },
  ...more,
});
const read = (bytes: Uint8Array): unknown => prepare(readModel(bytes), new Map());
const refused =
  (nodes: readonly NodeToWrite[], more: Partial<GraphToWrite> = {}): (() => unknown) =>
  () =>
    read(writeModel({ graph: graphOf(nodes, more) }));
const node = (
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  more: Partial<NodeToWrite> = {},
): NodeToWrite => ({ op, inputs, outputs, name: op.toLowerCase(), ...more });

const small = writeModel({
  graph: graphOf(
    [
      node('Add', ['x', 'w'], ['a']),
      node('If', ['c'], ['b'], {
        attributes: {
          then_branch: { graph: graphOf([node('Relu', ['a'], ['y'])], { inputs: {} }) },
          else_branch: { graph: graphOf([node('Neg', ['a'], ['y'])], { inputs: {} }) },
        },
      }),
      node('Softmax', ['b'], ['y'], { attributes: { axis: -1 } }),
    ],
    { initializers: { w: { type: 'float', shape: [2], data: [1, 2] }, c: { type: 'bool', shape: [], data: [1] } } },
  ),
});

it('reads what it wrote', () => {
  const { graph, opsets } = readModel(small);
  expect(graph.nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs])).toEqual([
    ['Add', ['x', 'w'], ['a']],
    ['If', ['c'], ['b']],
    ['Softmax', ['b'], ['y']],
  ]);
  expect(graph.nodes[2]?.attributes.get('axis')).toEqual({ kind: 'int', value: -1 });
  expect(graph.inputs).toEqual([{ name: 'x', kind: 'tensor', type: 1, shape: [2] }]);
  expect(opsets.get('')).toBe(21);
});

it('tells the last step that reads a value', () => {
  const { steps } = prepare(readModel(small), new Map());
  expect(steps.map(({ free }) => free)).toEqual([['x'], ['a'], ['b']]);
});

it('refuses a file that is cut off anywhere, or reads it as the shorter model that it is', () => {
  for (let end = 0; end < small.length; end += 1) {
    try {
      read(small.subarray(0, end));
    } catch (error) {
      expect(error, `cut at ${end}`).toBeInstanceOf(TensorError);
    }
  }
  expect(() => read(small.subarray(0, 40))).toThrow(FormatError);
});

it('refuses mutated files by name', () => {
  for (let seed = 0; seed < 3000; seed += 1) {
    const random = seeded(seed);
    const bytes = small.slice();
    for (let i = random(4); i >= 0; i -= 1) bytes[random(bytes.length)] = random(256);
    try {
      read(bytes);
    } catch (error) {
      expect(error, `seed ${seed}: ${String(error)}`).toBeInstanceOf(TensorError);
    }
  }
});

it('names what is wrong with a graph', () => {
  expect(refused([node('Add', ['x', 'b'], ['a']), node('Relu', ['a'], ['b']), node('Neg', ['b'], ['y'])])).toThrow(
    /cycle: Add "add", Relu "relu"/,
  );
  expect(refused([node('Add', ['x', 'nothing'], ['y'])])).toThrow(/Add "add" reads "nothing", which nothing makes/);
  expect(refused([node('Relu', ['x'], ['y']), node('Neg', ['x'], ['y'])])).toThrow(/makes "y" twice/);
  expect(refused([node('Relu', ['x'], ['a'])])).toThrow(/nothing in the graph makes its output "y"/);
  expect(() => read(new Uint8Array())).toThrow(/has no graph/);
  expect(() => read(new TextEncoder().encode('<html>not a model</html>'))).toThrow(FormatError);
  // Nodes may stand in any order.
  expect(refused([node('Neg', ['a'], ['y']), node('Relu', ['x'], ['a'])])).not.toThrow();
});

it('lists every node that is not supported, once, before anything runs', () => {
  const bytes = writeModel({
    domains: { 'com.example': 1 },
    graph: graphOf([
      node('Frobnicate', ['x'], ['a'], { name: 'one' }),
      node('Frobnicate', ['a'], ['b'], { name: 'two' }),
      node('MaxPool', ['b'], ['c', 'd'], { attributes: { kernel_shape: [2, 2, 2] } }),
      node('Relu', ['c'], ['e'], { domain: 'com.example', name: '' }),
      node('Relu', ['e'], ['y']),
    ]),
  });
  expect(() => read(bytes)).toThrow(InputError);
  expect(() => read(bytes)).toThrow(/4 nodes of the model cannot be run/);
  expect(() => read(bytes)).toThrow(/Frobnicate \(opset 21\): "one", "two"/);
  expect(() => read(bytes)).toThrow(/MaxPool \(opset 21\) with its second output, Indices, over volumes: "maxpool"/);
  expect(() => read(bytes)).toThrow(/com.example.Relu \(opset 1\): the one that makes "e"/);
});

it('refuses graphs nested without end', () => {
  let inner = graphOf([node('Relu', ['x'], ['y'])]);
  for (let i = 0; i < 40; i += 1)
    inner = graphOf([
      node('Identity', ['x'], [`v${i}`]),
      node('If', ['x'], ['y'], { attributes: { then_branch: { graph: inner } } }),
    ]);
  expect(() => read(writeModel({ graph: inner }))).toThrow(/nested more than 32 levels/);
});

it('refuses functions that call themselves', () => {
  const call = node('Loop', ['x'], ['y'], { domain: 'self' });
  const functions = [{ name: 'Loop', domain: 'self', inputs: ['x'], outputs: ['y'], nodes: [call] }];
  expect(() => read(writeModel({ graph: graphOf([call]), domains: { self: 1 }, functions }))).toThrow(/called 32 levels deep/);
});

it('takes no memory for sizes that lie', () => {
  const tensor = (shape: readonly number[], data: readonly number[]): unknown =>
    constantOf(readTensor(writeTensor({ type: 'float', shape, data }), 'test'), 'test', new Map());
  expect(() => tensor([2 ** 20, 2 ** 11], [1, 2])).toThrow(/8 bytes do not fill shape/);
  expect(() => tensor([2 ** 31, 2 ** 31], [1, 2])).toThrow(/cannot be/);
  expect(() => tensor([-1], [1])).toThrow(/cannot be/);
});

it('reads every type that the engine can hold', () => {
  const values = (type: ElementType, data: readonly number[]): number[] => {
    const { data: read } = constantOf(readTensor(writeTensor({ type, shape: [data.length], data }), 'test'), 'test', new Map());
    return Array.from(read as ArrayLike<number>);
  };
  for (const type of ['int8', 'int16', 'int32', 'int64'] as const) expect(values(type, [-5, 0, 100])).toEqual([-5, 0, 100]);
  for (const type of ['int4', 'int2'] as const) expect(values(type, [-2, 1, -1, 0, 1])).toEqual([-2, 1, -1, 0, 1]);
  for (const type of ['uint4', 'uint2'] as const) expect(values(type, [3, 0, 2, 1, 3])).toEqual([3, 0, 2, 1, 3]);
  expect(values('int4', [-8, 7, -3])).toEqual([-8, 7, -3]);
  expect(values('uint4', [15, 8, 9])).toEqual([15, 8, 9]);
  for (const type of ['uint8', 'uint16', 'uint32', 'uint64'] as const) expect(values(type, [5, 0, 200])).toEqual([5, 0, 200]);
  for (const type of ['float', 'double'] as const) expect(values(type, [-0.5, 2])).toEqual([-0.5, 2]);
  expect(values('float16', [0x3c00, 0xc000])).toEqual([1, -2]);
  expect(values('bfloat16', [0x3f80, 0xc000])).toEqual([1, -2]);
  expect(values('bool', [0, 1, 7])).toEqual([0, 1, 1]);
});
