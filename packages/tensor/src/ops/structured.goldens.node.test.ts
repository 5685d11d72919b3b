/** Norms, softmax, losses, indexing and convolution against PyTorch: outputs to 1e-5, gradients to 1e-4 of their norm. */
import { expect, it } from 'vitest';
import type { Ref } from '@mudpt/testing/reference/array';
import { expectNormClose } from '@mudpt/testing/reference/compare';
import { type GoldenCase, readGoldens } from '@mudpt/testing/reference/goldens';
import { eachDevice } from '@mudpt/testing/support';
import { scope } from '../scope.ts';
import type { Tensor } from '../tensor.ts';
import { conv2d, conv2dBackwardInput, conv2dBackwardWeight } from './images/conv2d.ts';
import { tensor } from './create/create.ts';
import { crossEntropyBackward, crossEntropyForward, type CrossEntropyOptions } from './losses/cross-entropy.ts';
import { embedding, gatherRows, indexSelect } from './indexing/gather.ts';
import { klDivBackward, klDivForward, l1Loss, l1LossBackward } from './losses/losses.ts';
import { layerNormBackward } from './norms/norm-backward.ts';
import { layerNormForward } from './norms/norm.ts';
import { l2Normalize, l2NormalizeBackward } from './norms/normalize.ts';
import { embeddingBackward, gatherRowsBackward, indexSelectBackward } from './indexing/scatter.ts';
import { logSoftmax, logSoftmaxBackward, softmax, softmaxBackward } from './norms/softmax.ts';
import { nth } from '../values.ts';

type Tensors = Readonly<Record<string, Tensor>>;
type Result = { readonly out: Tensor; readonly gradients: Readonly<Record<string, Tensor | undefined>> };
type Runner = (inputs: Tensors, grad: Tensor, golden: GoldenCase) => Result;

const RUNNERS: Readonly<Record<string, Runner>> = {
  layer_norm: ({ x, weight, bias }, grad, { options }) => {
    const { out, moments, rstd } = layerNormForward(x!, weight, bias, Number(options.eps));
    const needs = { x: true, weight: true, bias: true };
    return { out, gradients: layerNormBackward({ x: x!, weight, moments, rstd, grad, needs }) };
  },
  softmax: ({ x }, grad, { options }) => {
    const out = softmax(x!, Number(options.axis));
    return { out, gradients: { x: softmaxBackward(out, grad, Number(options.axis)) } };
  },
  log_softmax: ({ x }, grad, { options }) => {
    const out = logSoftmax(x!, Number(options.axis));
    return { out, gradients: { x: logSoftmaxBackward(out, grad, Number(options.axis)) } };
  },
  l2_normalize: ({ x }, grad, { options }) => {
    const [axis, eps] = [Number(options.axis), Number(options.eps)];
    return { out: l2Normalize(x!, axis, eps), gradients: { x: l2NormalizeBackward(x!, grad, axis, eps) } };
  },
  cross_entropy: ({ x, label }, grad, golden) => {
    const options = { reduction: golden.options.reduction } as CrossEntropyOptions;
    const { loss, lse, counted } = crossEntropyForward(x!, label!, options);
    return { out: loss, gradients: { x: crossEntropyBackward({ logits: x!, labels: label!, lse, counted, grad }, options) } };
  },
  kl_div: ({ x, target }, grad) => {
    const { loss, lse } = klDivForward(x!, target!);
    return { out: loss, gradients: { x: klDivBackward({ x: x!, target: target!, lse, grad }) } };
  },
  l1_loss: ({ x, target }, grad) => ({
    out: l1Loss(x!, target!),
    gradients: { x: l1LossBackward({ x: x!, target: target!, grad }) },
  }),
  embedding: ({ weight, ids }, grad) => ({
    out: embedding(weight!, ids!),
    gradients: { weight: embeddingBackward(grad, ids!, nth(weight!.shape, 0)) },
  }),
  gather_rows: ({ x, index }, grad, { options }) =>
    options.rule === 'out[k] = x[index[k]]'
      ? { out: indexSelect(x!, 0, index!), gradients: { x: indexSelectBackward(grad, x!.shape, 0, index!) } }
      : { out: gatherRows(x!, index!), gradients: { x: gatherRowsBackward(grad, x!.shape, index!) } },
  conv2d_patchify: ({ x, weight }, grad, golden) => {
    const options = { stride: Number(golden.options.stride) };
    const gradients = {
      x: conv2dBackwardInput(grad, weight!, x!.shape, options),
      weight: conv2dBackwardWeight(grad, x!, weight!.shape, options),
    };
    return { out: conv2d(x!, weight!, undefined, options), gradients };
  },
};

const INTEGERS = new Set(['label', 'ids', 'index']);

eachDevice('structured ops against PyTorch', (ctx) => {
  const upload = (name: string, { shape, data }: Ref): Tensor =>
    tensor(INTEGERS.has(name) ? new Int32Array(data) : new Float32Array(data), { shape, device: ctx.device });

  for (const [op, run] of Object.entries(RUNNERS)) {
    it(op, async () => {
      const cases = readGoldens(op);
      expect(cases.length).toBeGreaterThan(0);
      for (const golden of cases) {
        await scope(async () => {
          const inputs = Object.fromEntries(Object.entries(golden.inputs).map(([name, value]) => [name, upload(name, value)]));
          const { out, gradients } = run(inputs, upload('cotangent', golden.cotangent), golden);
          // Where PyTorch's own f32 is further off than that (a mean of 1000), twice its error is allowed.
          const allow = (expected: Ref, key: string, limit: number): number => {
            const size = Math.hypot(...expected.data);
            const rounding = 2 * (golden.roundingError[key] ?? 0) * Math.sqrt(expected.data.length);
            return size === 0 ? Math.max(rounding, 1e-6) : Math.max(limit, rounding / size);
          };
          expectNormClose({ shape: out.shape, data: await out.data() }, golden.out, allow(golden.out, 'out', 1e-5), golden.name);
          for (const [name, expected] of Object.entries(golden.gradients)) {
            const found = gradients[name];
            if (!found) throw new Error(`${op} ${golden.name}: no gradient of ${name}`);
            const label = `${golden.name} grad.${name}`;
            expectNormClose(
              { shape: found.shape, data: await found.data() },
              expected,
              allow(expected, `grad.${name}`, 1e-4),
              label,
            );
          }
        });
      }
    });
  }
});
