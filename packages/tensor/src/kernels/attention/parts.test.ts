/** Attention grids beyond the limit of a dimension: cut into parts, with the same results to the last bit. */
import { expect, it } from 'vitest';
import { random } from '@mudpt/testing/reference/inputs';
import { eachDevice, hasDefaultLimits } from '@mudpt/testing/support';
import type { Tensor } from '../../tensor.ts';
import { ones, tensor } from '../../ops/create/create.ts';
import { linearBackwardBias } from '../../ops/products/linear.ts';
import { attentionBackward, attentionForward } from '../../ops/attention/attention.ts';
import { FLASH_TEMPLATES, isFlash } from './flash.ts';
import { fusedVariants } from './plan.ts';
import type { AttentionOptions } from './options.ts';

const needs = { q: true, k: true, v: true, prefixK: true, prefixV: true };

eachDevice('attention in parts', (ctx) => {
  const upload = (shape: readonly number[], seed: number): Tensor =>
    tensor(Float32Array.from(random(shape, seed).data), { shape, device: ctx.device });

  async function run(
    inputs: Record<'q' | 'k' | 'v' | 'grad', Tensor>,
    options: AttentionOptions,
    variant: string,
  ): Promise<unknown[]> {
    using forced = ctx.device.tuner.force('attention', variant);
    const { out, lse } = attentionForward(inputs, options);
    if (variant === 'wide64') forced[Symbol.dispose](); // it is no variant of the backward
    const gradients = attentionBackward({ ...inputs, out, lse, needs }, options);
    const results = [out, lse, ...Object.values(gradients)];
    const data = await Promise.all(results.map((t) => t.data()));
    for (const t of results) t.dispose();
    return data;
  }

  it.each([
    { name: 'dense', shape: [3, 70, 3, 8], options: {} },
    { name: 'causal', shape: [2, 70, 3, 8], options: { causal: true } },
    { name: 'with a prefix', shape: [3, 40, 3, 8], prefix: [37, 3, 8], options: { causal: true } },
    { name: 'packed', shape: [70, 5, 8], options: { causal: true, cuSeqlens: [0, 20, 21, 70] } },
    { name: 'with a cache', shape: [2, 20, 3, 8], keys: [2, 70, 3, 8], options: { causal: true, queryOffset: 'end' as const } },
    { name: 'general', shape: [3, 70, 6, 8], keys: [3, 40, 3, 8], mask: [3, 6, 70, 40], options: { window: { left: 30 } } },
  ])('$name: every variant has the bits of one grid', async ({ shape, keys = shape, prefix, mask, options }) => {
    const [q, grad] = [upload(shape, 1), upload(shape, 4)];
    const [k, v] = [upload(keys, 2), upload(keys, 3)];
    const shared = prefix && { k: upload(prefix, 5), v: upload(prefix, 6) };
    const added = mask && upload(mask, 7);
    const settings: AttentionOptions = { ...options, ...(shared && { prefix: shared }), ...(added && { mask: added }) };
    const variants = fusedVariants(ctx.device, { depth: 8, queries: 70, packed: 'cuSeqlens' in options }, 'forward');
    // One flash variant stands for the others of its template where they take seconds to compile; general kernels are cut by the same code.
    const stands = variants.filter(
      (name) => !isFlash(name) || FLASH_TEMPLATES.includes(name) || ctx.device.adapter.kind === 'gpu',
    );
    for (const variant of mask ? stands.slice(0, 1) : stands) {
      const whole = await run({ q, k, v, grad }, settings, variant);
      using _ = ctx.device.tuner.force('attention.grid', '2');
      expect(await run({ q, k, v, grad }, settings, variant), variant).toEqual(whole);
    }
    for (const t of [q, k, v, grad, ...(shared ? [shared.k, shared.v] : []), ...(added ? [added] : [])]) t.dispose();
  });

  // The limit is the same for every device, and the variant that WebGPU's default limits leave takes many seconds for grids as large.
  it.skipIf(hasDefaultLimits).each([
    [
      [65_537, 2, 1, 4],
      [65_537, 2, 1, 4],
    ],
    [
      [1, 2, 65_537, 4],
      [1, 2, 65_537, 4],
    ],
    [
      [1, 1_048_577, 1, 4],
      [1, 2, 1, 4],
    ],
  ])('takes queries %j beside keys %j', async (queries, keys) => {
    using q = ones(queries, { device: ctx.device });
    using k = ones(keys, { device: ctx.device });
    const { lse, out } = attentionForward({ q, k, v: k });
    expect((await out.data()).every((value) => Math.abs(value - 1) < 1e-6)).toBe(true);
    const gradients = attentionBackward({ q, k, v: k, out, lse, grad: q, needs });
    const share = queries[1]! / keys[1]!;
    expect((await gradients.v!.data()).every((value) => Math.abs(value / share - 1) < 1e-4)).toBe(true);
    expect((await gradients.q!.data()).every((value) => Math.abs(value) < 1e-6)).toBe(true);
    for (const t of [lse, out, ...Object.values(gradients)]) t.dispose();
  });

  it('sums columns beyond 65,535 workgroups', async () => {
    using dY = ones([3, 4_200_000], { device: ctx.device });
    using bias = linearBackwardBias(dY);
    expect((await bias.data()).every((value) => value === 3)).toBe(true);
  });
});
