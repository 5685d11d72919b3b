/** The table of operations, run on the f64 oracles instead of the engine: what is wrong here is the table, not a kernel. */
import { readdirSync } from 'node:fs';
import { fixturePath } from '@mudpt/testing/files';
import { openSafetensors, type Tensor } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import * as arrays from '@mudpt/testing/reference/array';
import { attention } from '@mudpt/testing/reference/attention';
import { conv2d } from '@mudpt/testing/reference/conv';
import * as indexing from '@mudpt/testing/reference/indexing';
import { matmul } from '@mudpt/testing/reference/matmul';
import * as nn from '@mudpt/testing/reference/nn';
import { type BinaryName, binary, type UnaryName, unary, unaryFunctions } from '@mudpt/testing/reference/pointwise';
import { max, mean, sum } from '@mudpt/testing/reference/reduce';
import { compare, OUTPUT_TOLERANCE } from './compare.ts';
import type { Operations } from './engine.ts';
import { type GoldenCase, type GoldenFile, type HostTensor, readGolden, tensorsUnder } from './golden.ts';
import { Inputs } from './inputs.ts';
import { forward } from './ops.ts';
import { Unsupported } from './options.ts';

type Ref = arrays.Ref;

const oracle = {
  ...Object.fromEntries(Object.keys(unaryFunctions).map((name) => [name, (x: Ref) => unary(name as UnaryName, x)])),
  ...Object.fromEntries(['add', 'sub', 'mul', 'div'].map((name) => [name, (a: Ref, b: Ref) => binary(name as BinaryName, a, b)])),
  ...{ ...arrays, ...indexing, ...nn, matmul },
  ...Object.fromEntries(
    Object.entries({ max, mean, sum }).map(([name, reduce]) => [
      name,
      (x: Ref, axes: readonly number[], options: { keepdim?: boolean }) => reduce(x, { ...options, axes }),
    ]),
  ),
  attention: (...given: Parameters<typeof attention>) => attention(...given).out,
  conv2d: (x: Ref, weight: Ref, bias: Ref | undefined, options: { stride: number }) => conv2d(x, weight, { ...options, bias }),
  klDiv: (x: Ref, target: Ref) => {
    const [logP, logQ] = [nn.logSoftmax(x), nn.logSoftmax(target)];
    return mean(binary('mul', unary('exp', logQ), binary('sub', logQ, logP)));
  },
  l1Loss: (x: Ref, target: Ref) => mean(unary('abs', binary('sub', x, target))),
  layerNorm: (x: Ref, weight: Ref, bias: Ref, eps: number) => nn.layerNorm(x, { weight, bias, eps }).out,
  linear: (x: Ref, weight: Ref, bias?: Ref) => nn.linear(x, weight, { bias }).out,
} as unknown as Operations;

/** An oracle array has a shape like a tensor, and that is all the table looks at. */
const asTensor = ({ shape, values }: HostTensor) => arrays.ref(shape, values) as unknown as Tensor;

function run(op: string, golden: GoldenCase): HostTensor {
  const inputs = new Map([...tensorsUnder(golden, 'in.')].map(([name, host]) => [name, asTensor(host)]));
  const { shape, data } = forward(oracle, op, new Inputs(inputs), golden) as unknown as Ref;
  return { shape, values: Float32Array.from(data) };
}

const folder = fixturePath('ops/');
async function load(file: string): Promise<GoldenFile> {
  await using reader = await openSafetensors(folder + file);
  return await readGolden(reader);
}

describe('every golden operation', () => {
  it.each(readdirSync(folder))('%s', async (file) => {
    const { op, cases } = await load(file);
    expect(file).toBe(`${op}.safetensors`);
    for (const golden of cases) {
      const expected = golden.tensors.get('out');
      if (expected === undefined) throw new Error(`${golden.name} has no out`);
      expect(compare(golden.name, run(op, golden), expected, OUTPUT_TOLERANCE, golden.measuredError.get('out'))).toMatchObject({
        passed: true,
      });
    }
  });
});

describe('what the table does not know is refused by name', () => {
  /** The last case of a file, changed: in concat_slice.safetensors the last has one input x. */
  const changed = async (op: string, change: Partial<GoldenCase>): Promise<GoldenCase> => {
    const last = (await load(`${op}.safetensors`)).cases.at(-1);
    if (last === undefined) throw new Error('no cases');
    return { ...last, ...change };
  };
  const one: HostTensor = { shape: [1], values: Float32Array.of(1) };

  it.each<[string, string, Partial<GoldenCase>, string]>([
    ['an option', 'softmax', { options: { axis: -1, temperature: 2 } }, 'option temperature of softmax is not known'],
    ['an option of another type', 'softmax', { options: { axis: '1' } }, 'option axis is "1", not a number'],
    ['a function', 'unary', { options: { function: 'toString' } }, 'function "toString"'],
    ['a layout', 'attention', { options: { causal: true, layout: 'B,S,H,D' } }, 'layout "B,S,H,D"'],
    [
      'a slice',
      'concat_slice',
      { options: { function: 'slice' }, name: 'slice_every_other' },
      'slice_every_other is not understood',
    ],
    ['a missing input', 'softmax', { tensors: new Map([['in.y', one]]) }, 'no input x'],
    [
      'an input that nobody asks for',
      'softmax',
      {
        tensors: new Map([
          ['in.x', one],
          ['in.mask', one],
        ]),
      },
      'input mask of softmax is not known',
    ],
  ])('%s', async (_, op, change, says) => {
    const golden = await changed(op, change);
    expect(() => run(op, golden)).toThrow(Unsupported);
    expect(() => run(op, golden)).toThrow(says);
  });

  it('an operation', async () => {
    const golden = await changed('softmax', {});
    expect(() => run('hasOwnProperty', golden)).toThrow('the operation hasOwnProperty is not known');
  });
});
