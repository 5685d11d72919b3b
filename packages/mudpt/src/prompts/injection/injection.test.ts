import { parameter, randomFrom, lossAndGradients } from '@mudpt/autograd';
import { add, copyInto, type Device, mul, scope, sum, type Tensor, tensor } from '@mudpt/tensor';
import { expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { crossReference, type Parameters, transformerReference } from '@mudpt/testing/reference/injection';
import { relativeError } from '../../../test/uneven.ts';
import { CrossAttentionInjection } from './cross-attention.ts';
import type { Injection, Prompts } from './injection.ts';
import { LinearInjection } from './linear.ts';
import { headsOf } from './parts.ts';
import { textToImageNames, TransformerInjection } from './transformer.ts';

// Widths of two heads each, so that mixed-up heads show.
const SIZES = { depth: 2, textWidth: 128, imageWidth: 144 };
const ROWS = 2;

function values(count: number, seed: number): Float32Array {
  const random = randomFrom(seed);
  return Float32Array.from({ length: count }, () => 2 * random() - 1);
}

function prompts(device: Device): Prompts {
  const { depth, textWidth, imageWidth } = SIZES;
  const make = (width: number, seed: number) => ({
    first: parameter(tensor(values(ROWS * width, seed), { shape: [ROWS, width], device })),
    deep: parameter(tensor(values((depth - 1) * ROWS * width, seed + 1), { shape: [depth - 1, ROWS, width], device })),
  });
  return { text: make(textWidth, 20), image: make(imageWidth, 30) };
}

function makeInjection(device: Device, kind: string, form: 'pre' | 'post', more: Record<string, unknown> = {}): Injection {
  const options = { ...SIZES, layer0: true, perLayer: false, zeroInit: false, form, device, random: randomFrom(9), ...more };
  if (kind === 'linear') return new LinearInjection(options);
  return kind === 'transformer' ? new TransformerInjection(options) : new CrossAttentionInjection(options);
}

/** Biases and norms begin at 0 and 1, where mistakes hide. */
function shake(injection: Injection): void {
  scope(() => {
    for (const [index, learnt] of [...injection.learnable.values()].entries()) {
      const { size, shape, device } = learnt;
      copyInto(learnt, add(learnt, mul(tensor(values(size, 100 + index), { shape, device }), 0.2)));
    }
  });
}

async function onHost(
  named: Iterable<readonly [string, Tensor]>,
): Promise<Map<string, { shape: readonly number[]; values: Float64Array }>> {
  const read = new Map<string, { shape: readonly number[]; values: Float64Array }>();
  for (const [name, tensorOf] of named)
    read.set(name, { shape: tensorOf.shape, values: Float64Array.from(await tensorOf.data()) });
  return read;
}

function rowsOf(all: Parameters, name: string, layer: number): number[][] {
  const { shape, values: numbers } = all.get(name) as { shape: readonly number[]; values: Float64Array };
  const width = shape.at(-1) ?? 0;
  return Array.from({ length: ROWS }, (_, row) => [
    ...numbers.slice((layer * ROWS + row) * width, (layer * ROWS + row + 1) * width),
  ]);
}

/** All that is injected, by the reference, one list. */
function reference(all: Parameters, kind: string, form: 'pre' | 'post'): number[] {
  const out: number[] = [];
  const [textHeads, imageHeads] = [headsOf(SIZES.textWidth), headsOf(SIZES.imageWidth)];
  const rows = (modality: string, layer: number): number[][] =>
    layer === 0 ? rowsOf(all, `${modality}0`, 0) : rowsOf(all, modality, layer - 1);
  const toImage = textToImageNames('uumudpt_prompt_learner');
  const image = 'image_encoder.visual_ctx';
  const toText = {
    pre: `${image}_ln_intra_pre`,
    block: `${image}_self_attn`,
    post: `${image}_ln_intra_post`,
    project: `${image}_text_proj`,
  };
  for (let layer = 0; layer < SIZES.depth; layer += 1)
    out.push(
      ...(kind === 'transformer'
        ? transformerReference(rows('text', layer), all, { names: toImage, form, heads: textHeads })
        : crossReference(rows('text', layer), rows('image', layer), all, {
            name: 'injection.text_to_image',
            form,
            heads: imageHeads,
          })
      ).flat(),
    );
  for (let layer = 1; layer < SIZES.depth; layer += 1)
    out.push(
      ...(kind === 'transformer'
        ? transformerReference(rows('image', layer), all, { names: toText, form, heads: imageHeads })
        : crossReference(rows('image', layer), rows('text', layer), all, {
            name: 'injection.image_to_text',
            form,
            heads: textHeads,
          })
      ).flat(),
    );
  return out;
}

function inOrder(injection: Injection, learnt: Prompts): Tensor[] {
  const { imageFirst, imageDeep, textDeep } = injection.inject(learnt);
  return [imageFirst, imageDeep, textDeep].map((part) => {
    if (!part) throw new Error('a part is missing');
    return part;
  });
}

const named = (learnt: Prompts): [string, Tensor][] => [
  ['text0', learnt.text.first],
  ['text', learnt.text.deep],
  ['image0', learnt.image.first],
  ['image', learnt.image.deep],
];

function dispose(injection: Injection, learnt: Prompts): void {
  for (const tensor of injection.learnable.values()) tensor.dispose();
  for (const [, tensor] of named(learnt)) tensor.dispose();
}

eachDevice('injection', (ctx) => {
  const forms = [
    ['transformer', 'pre'],
    ['transformer', 'post'],
    ['cross-attention', 'pre'],
    ['cross-attention', 'post'],
  ] as const;

  it.each(['transformer', 'linear', 'cross-attention'])('%s adds the prompts that receive it with the same bits', (kind) =>
    scope(async () => {
      const learnt = prompts(ctx.device);
      const injection = makeInjection(ctx.device, kind, 'pre');
      shake(injection);
      const { imageFirst, imageDeep, textDeep } = injection.inject(learnt);
      const sums = injection.inject(learnt, { isAdded: true });
      for (const [prompt, given, sum] of [
        [learnt.image.first, imageFirst, sums.imageFirst],
        [learnt.image.deep, imageDeep, sums.imageDeep],
        [learnt.text.deep, textDeep, sums.textDeep],
      ] as const)
        expect(await sum?.data()).toEqual(await add(prompt, given as Tensor).data());
      dispose(injection, learnt);
    }),
  );

  it.each(forms)('%s, %s-norm: values and gradients equal double precision', async (kind, form) => {
    const [injection, learnt] = [makeInjection(ctx.device, kind, form), prompts(ctx.device)];
    shake(injection);
    const all = [...injection.learnable, ...named(learnt)];
    const onHostAll = await onHost(all);
    const expected = reference(onHostAll, kind, form);
    const cotangent = values(expected.length, 77);
    await scope(async () => {
      const { value, gradients } = lossAndGradients(() => {
        const parts = inOrder(injection, learnt);
        let begin = 0;
        const products = parts.map((part) => {
          const weights = tensor(cotangent.slice(begin, begin + part.size), { shape: part.shape, device: ctx.device });
          begin += part.size;
          return sum(mul(part, weights));
        });
        return { loss: products.reduce((a, b) => add(a, b)), parts };
      });
      const actual: number[] = [];
      for (const part of value.parts) actual.push(...(await part.data()));
      expect(relativeError(actual, expected)).toBeLessThan(1e-5);
      // Along one random direction a tensor: <gradient, direction> against central differences of the reference.
      for (const [index, [name, parameterTensor]] of all.entries()) {
        const entry = onHostAll.get(name) as { values: Float64Array };
        const direction = values(parameterTensor.size, 500 + index);
        const before = entry.values.slice();
        const along = (step: number): number => {
          entry.values.set(before.map((v, i) => v + step * (direction[i] ?? 0)));
          return reference(onHostAll, kind, form).reduce((total, v, i) => total + v * (cotangent[i] ?? 0), 0);
        };
        const difference = (along(1e-4) - along(-1e-4)) / 2e-4;
        entry.values.set(before);
        const gradient = gradients.get(parameterTensor);
        const product = gradient ? [...(await gradient.data())].reduce((total, v, i) => total + v * (direction[i] ?? 0), 0) : 0;
        // The scale is that of the gradient: a direction may be nearly orthogonal to it.
        const scale = gradient ? Math.hypot(...(await gradient.data())) * Math.hypot(...direction) : 0;
        expect(Math.abs(product - difference) / Math.max(scale, 1e-3), name).toBeLessThan(1e-4);
      }
    });
    dispose(injection, learnt);
  });

  it.each(['transformer', 'linear', 'cross-attention'])(
    '%s: weights for each layer, given the shared values, inject the same',
    async (kind) => {
      const learnt = prompts(ctx.device);
      const [together, perLayer] = [
        makeInjection(ctx.device, kind, 'pre'),
        makeInjection(ctx.device, kind, 'pre', { perLayer: true }),
      ];
      shake(together);
      for (const [name, target] of perLayer.learnable) {
        const source = together.learnable.get(name.replace(/\.layer\d+/, ''));
        if (!source) throw new Error(`${name} has no shared counterpart`);
        copyInto(target, source);
      }
      await scope(async () => {
        const [one, other] = [inOrder(together, learnt), inOrder(perLayer, learnt)];
        for (const [index, part] of one.entries())
          expect(relativeError((await other[index]?.data()) ?? [], await part.data())).toBeLessThan(1e-6);
      });
      expect([...perLayer.learnable.keys()].some((name) => name.includes('.layer'))).toBe(true);
      for (const tensor of perLayer.learnable.values()) tensor.dispose();
      dispose(together, learnt);
    },
  );

  it.each(['transformer', 'linear', 'cross-attention'])(
    '%s: the first layer can stay raw, and a zero start adds nothing',
    async (kind) => {
      const learnt = prompts(ctx.device);
      const raw = makeInjection(ctx.device, kind, 'pre', { layer0: false });
      const zero = makeInjection(ctx.device, kind, 'pre', { zeroInit: true });
      await scope(async () => {
        const { imageFirst, imageDeep } = raw.inject(learnt);
        expect(imageFirst).toBeUndefined();
        expect(imageDeep?.shape).toEqual([SIZES.depth - 1, ROWS, SIZES.imageWidth]);
        for (const part of inOrder(zero, learnt)) expect((await part.data()).every((value) => value === 0)).toBe(true);
      });
      for (const tensor of raw.learnable.values()) tensor.dispose();
      dispose(zero, learnt);
    },
  );
});
