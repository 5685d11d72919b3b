/** Cases after ONNX's backend node tests, each as a model of one node. */
import { expect, it } from 'vitest';
import { type Tensor, tensor } from '@mudpt/tensor';
import { expectClose } from '@mudpt/testing/reference/compare';
import { eachDevice } from '@mudpt/testing/support';
import { dtypeOf, isFloatType } from '../src/format/types.ts';
import { loadOnnx, type ModelInput, writeModel } from '../src/index.ts';
import type { Case, Feed } from './cases/case.ts';
import { elementwiseCases } from './cases/elementwise.ts';
import { imageCases } from './cases/images.ts';
import { layerCases } from './cases/layers.ts';
import { productCases } from './cases/products.ts';
import { reduceTestCases } from './cases/reduce.ts';
import { samplingCases } from './cases/sampling.ts';
import { stateCases } from './cases/state.ts';
import { viewCases } from './cases/views.ts';

const cases: readonly Case[] = [
  ...elementwiseCases,
  ...reduceTestCases,
  ...viewCases,
  ...productCases,
  ...imageCases,
  ...layerCases,
  ...samplingCases,
  ...stateCases,
];

/** The model of a case; its inputs are x0, x1, ..., its outputs y0, y1, ... */
function modelOf({ op, opset, inputs, attributes = {}, expected }: Case): Uint8Array {
  const named = inputs.flatMap((feed, index): (readonly [string, Feed])[] => (feed ? [[`x${index}`, feed]] : []));
  const outputs = expected.flatMap((feed, index): (readonly [string, Feed])[] => (feed ? [[`y${index}`, feed]] : []));
  return writeModel({
    ...(opset && { opset }),
    graph: {
      nodes: [
        {
          op,
          attributes,
          inputs: inputs.map((feed, index) => (feed ? `x${index}` : '')),
          outputs: expected.map((feed, index) => (feed ? `y${index}` : '')),
        },
      ],
      inputs: Object.fromEntries(
        named.filter(([, feed]) => !feed.isConstant).map(([name, { type, shape }]) => [name, { type, shape }]),
      ),
      initializers: Object.fromEntries(named.filter(([, feed]) => feed.isConstant)),
      outputs: Object.fromEntries(outputs.map(([name, { type, shape }]) => [name, { type, shape }])),
    },
  });
}

eachDevice('operators, after the backend node tests', (ctx) => {
  it.each(cases.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    using model = await loadOnnx(ctx.device, modelOf(one));
    const feeds = one.inputs.flatMap((feed, index) => (feed && !feed.isConstant ? [[`x${index}`, feed] as const] : []));
    const check = async (inputs: Readonly<Record<string, ModelInput>>): Promise<void> => {
      const outputs = await model.run(inputs);
      for (const [index, feed] of one.expected.entries()) {
        if (!feed) continue;
        using result = outputs[`y${index}`] as Tensor;
        const tolerance = isFloatType(feed.type) ? (one.tolerance ?? 1e-5) : 0;
        expect(result.dtype).toBe(dtypeOf(feed.type, ctx.device));
        expectClose(
          { shape: result.shape, data: await result.data() },
          feed,
          { rel: tolerance, abs: tolerance },
          `${one.name}, output ${index}`,
        );
      }
    };
    await check(Object.fromEntries(feeds.map(([name, { data, shape }]) => [name, { data, shape }])));
    // Integers that are given as numbers are computed with on the host: once more on the device.
    if (feeds.every(([, { type }]) => isFloatType(type))) return;
    const tensors = feeds.map(
      ([name, { data, shape, type }]) =>
        [name, tensor(data, { shape, dtype: dtypeOf(type, ctx.device), device: ctx.device })] as const,
    );
    await check(Object.fromEntries(tensors));
    for (const [, made] of tensors) made.dispose();
  });
});

it('has a name for every case', () => {
  const names = cases.map(({ name }) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  expect(cases.length).toBeGreaterThan(250);
});
