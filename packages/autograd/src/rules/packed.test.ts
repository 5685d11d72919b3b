/** Packed attention through the tape: gradients of rows and of the shared prefix, and lifetime of the block tables. */
import { expect, it } from 'vitest';
import {
  attention,
  type AttentionOptions,
  attentionQkv,
  capture,
  type PackedSequences,
  packedSequences,
  packedSequencesOnDevice,
  select,
  tensor,
  type Tensor,
} from '@mudpt/tensor';
import { prefixedAttention, type PrefixedOptions } from '@mudpt/tensor/internal';
import * as array from '@mudpt/testing/reference/array';
import { cat } from '@mudpt/testing/reference/indexing';
import * as oracle from '@mudpt/testing/reference/attention';
import { random, toF32 } from '@mudpt/testing/reference/inputs';
import { eachDevice, hasDefaultLimits } from '@mudpt/testing/support';
import { checkRule } from '../../test/rule-check.ts';
import { checkpoint, parameter, Tape, TransformerBlock } from '../index.ts';

const LENGTHS = [2, 0, 3, 1];
const CUMULATIVE = [0, 2, 2, 5, 6];
const [ROWS, PREFIX, HEADS, DEPTH] = [6, 2, 2, 4];

/** A third of [N, 3, H, D]. */
const part = (qkv: array.Ref, index: number): array.Ref =>
  array.reshape(array.slice(qkv, [null, { start: index, stop: index + 1 }]), [qkv.shape[0]!, HEADS, DEPTH]);

eachDevice('packed attention', (ctx) => {
  const onHost = (): PackedSequences => packedSequences(ctx.device, LENGTHS);
  /** How a caller may describe sequences; each is disposed as soon as the forward has run. */
  const descriptions: Readonly<Record<string, () => PackedSequences | readonly number[]>> = {
    'lengths of the host': onHost,
    'lengths of the device': () => {
      using ends = tensor(CUMULATIVE, { dtype: 'i32', device: ctx.device });
      return packedSequencesOnDevice(ends, { total: ROWS, maxLength: 4 });
    },
    numbers: () => CUMULATIVE,
  };
  const withSequences = <R>(describe: () => PackedSequences | readonly number[], body: (options: AttentionOptions) => R): R => {
    const cuSeqlens = describe();
    try {
      return body({ causal: true, cuSeqlens });
    } finally {
      if ('dispose' in cuSeqlens) cuSeqlens.dispose();
    }
  };

  for (const [name, describe] of Object.entries(descriptions)) {
    it(`has every gradient, of the prefix too: ${name}`, () =>
      checkRule(ctx.device, {
        shapes: [...Array.from({ length: 3 }, () => [ROWS, HEADS, DEPTH]), [PREFIX, HEADS, DEPTH], [PREFIX, HEADS, DEPTH]],
        run: (q, k, v, prefixK, prefixV) =>
          withSequences(describe, (options) => attention(q, k, v, { ...options, prefix: { k: prefixK, v: prefixV } })),
        reference: (q, k, v, prefixK, prefixV) =>
          oracle.raggedAttention(q, k, v, { causal: true, cumulative: CUMULATIVE, prefixK, prefixV }).out,
      }));
  }

  it('has the gradient of a fused projection, whose prefix is a projection too', () =>
    checkRule(ctx.device, {
      shapes: [
        [ROWS, 3, HEADS, DEPTH],
        [PREFIX, 3, HEADS, DEPTH],
      ],
      run: (qkv, prefixQkv) =>
        withSequences(onHost, (options) => {
          using k = select(prefixQkv, 1, 1);
          using v = select(prefixQkv, 1, 2);
          return attentionQkv(qkv, { ...options, prefix: { k, v } });
        }),
      reference: (qkv, prefixQkv) =>
        oracle.raggedAttention(part(qkv, 0), part(qkv, 1), part(qkv, 2), {
          causal: true,
          cumulative: CUMULATIVE,
          prefixK: part(prefixQkv, 1),
          prefixV: part(prefixQkv, 2),
        }).out,
    }));

  /** The prefix's rows attending to themselves, if they are read, and the sequences to both. */
  const prefixedReference = (qkv: array.Ref, { isRead, batch }: PrefixedOptions): array.Ref => {
    const rows = (start: number, stop: number): array.Ref => array.slice(qkv, [{ start, stop }]);
    const [first, rest] = [rows(0, PREFIX), rows(PREFIX, PREFIX + ROWS)];
    const shared = { prefixK: part(first, 1), prefixV: part(first, 2) };
    const lead = (x: array.Ref, shape: readonly number[]): array.Ref => array.reshape(x, [...shape, HEADS, DEPTH]);
    const three = (x: array.Ref, shape: readonly number[]): [array.Ref, array.Ref, array.Ref] => [
      lead(part(x, 0), shape),
      lead(part(x, 1), shape),
      lead(part(x, 2), shape),
    ];
    const after = batch
      ? oracle.attention(...three(rest, [batch, ROWS / batch]), shared).out
      : oracle.raggedAttention(...three(rest, [ROWS]), { causal: true, cumulative: CUMULATIVE, ...shared }).out;
    if (!isRead) return lead(after, [ROWS]);
    const alone = oracle.attention(...three(first, [1, PREFIX]), { causal: true }).out;
    return cat([lead(alone, [PREFIX]), lead(after, [ROWS])]);
  };

  it.each([
    { name: 'whose queries are asked', options: { isRead: true, causal: true, cuSeqlens: CUMULATIVE } },
    { name: 'whose queries are asked, in chunks', options: { isRead: true, causal: true, cuSeqlens: CUMULATIVE }, chunk: '4' },
    { name: 'of keys and values only', options: { isRead: false, causal: true, cuSeqlens: CUMULATIVE } },
    { name: 'of sequences of one length', options: { isRead: false, batch: 2 }, chunk: '4' },
    {
      name: 'in chunks of one dispatch',
      options: { isRead: true, causal: true, cuSeqlens: CUMULATIVE },
      chunk: '4',
      joined: true,
      variant: 'tile',
    },
    {
      name: 'of one length, in chunks of one dispatch',
      options: { isRead: false, batch: 2 },
      chunk: '4',
      joined: true,
      variant: 'tile',
    },
    { name: 'through workgroup memory', options: { isRead: true, causal: true, cuSeqlens: CUMULATIVE }, variant: 'tile' },
    { name: 'staged', options: { isRead: true, causal: true, cuSeqlens: CUMULATIVE }, variant: 'flash32' },
    { name: 'of sequences of one length, staged', options: { isRead: false, batch: 2 }, variant: 'flash32' },
  ])('has the gradient of one projection of sequences after a prefix $name', async ({ options, chunk, joined, variant }) => {
    using ___ = joined ? ctx.device.tuner.force('attention.chunks', 'joined') : undefined;
    using _ = chunk === undefined ? undefined : ctx.device.tuner.force('attention.chunk', chunk);
    using __ = variant === undefined ? undefined : ctx.device.tuner.force('attention', variant);
    await checkRule(ctx.device, {
      shapes: [[PREFIX + ROWS, 3, HEADS, DEPTH]],
      run: (qkv) => prefixedAttention(qkv, { ...options, prefix: PREFIX }),
      reference: (qkv) => prefixedReference(qkv, { ...options, prefix: PREFIX }),
    });
  });

  it('asks a prefix in the dispatches of its sequences', () => {
    using qkv = parameter(
      tensor(new Float32Array((PREFIX + ROWS) * 24), { shape: [PREFIX + ROWS, 3, HEADS, DEPTH], device: ctx.device }),
    );
    using grad = tensor(new Float32Array((PREFIX + ROWS) * 8), { shape: [PREFIX + ROWS, HEADS, DEPTH], device: ctx.device });
    using sequences = packedSequences(ctx.device, LENGTHS);
    const kernels = (backward: boolean, variant: string): string[] => {
      using _ = ctx.device.tuner.force('attention', variant);
      using step = capture(
        () => {
          using tape = new Tape();
          const out = prefixedAttention(qkv, { prefix: PREFIX, isRead: true, causal: true, cuSeqlens: sequences });
          return backward ? [...tape.backward(out, grad).values()] : out;
        },
        { device: ctx.device },
      );
      step({});
      return (step.plans[0]?.steps ?? []).map((label) => label.replace(/\{.*/s, ''));
    };
    expect(kernels(false, 'tile')).toEqual(['attention.forward']);
    const backward = kernels(true, 'tile').slice(1);
    expect(backward.filter((kernel) => kernel === 'attention.dq')).toEqual(['attention.dq']);
    // SwiftShader, and devices with few bindings, form statistics and the prefix's keys apart.
    if (ctx.device.adapter.kind !== 'lavapipe' || hasDefaultLimits) return;
    expect(backward).toEqual(['attention.dq', 'attention.dkv']);
    // The staged form asks the prefix apart, and forms the statistics of queries with their gradient too.
    const staged = kernels(true, 'flash32').slice(2);
    expect(staged.slice(0, 3)).toEqual(['attention.flash.dq', 'attention.flash.dq', 'attention.flash.dkv']);
    expect(staged).not.toContain('attention.delta');
  });

  it('says so when sequences were disposed before the forward', () => {
    const cuSeqlens = packedSequences(ctx.device, LENGTHS);
    using shared = cuSeqlens.share();
    cuSeqlens.dispose();
    cuSeqlens.dispose();
    using qkv = parameter(tensor(new Float32Array(ROWS * 24), { shape: [ROWS, 3, HEADS, DEPTH], device: ctx.device }));
    using tape = new Tape();
    expect(() => attentionQkv(qkv, { cuSeqlens })).toThrow(/attentionQkv: packed sequences .* disposed/);
    expect(tape.length).toBe(0);
    using out = attentionQkv(qkv, { cuSeqlens: shared });
    expect(out.shape).toEqual([ROWS, HEADS, DEPTH]);
  });

  it('releases what a tape held that never ran backward', () => {
    using qkv = parameter(tensor(new Float32Array(ROWS * 24), { shape: [ROWS, 3, HEADS, DEPTH], device: ctx.device }));
    const before = ctx.device.memory().liveTensors;
    {
      using tape = new Tape();
      withSequences(onHost, (options) => attentionQkv(qkv, options)).dispose();
      expect(tape.length).toBe(1);
      expect(ctx.device.memory().liveTensors).toBeGreaterThan(before);
    }
    expect(ctx.device.memory().liveTensors).toBe(before);
  });

  it('gives a block the same bits plain, checkpointed and captured', async () => {
    const width = HEADS * DEPTH;
    using block = new TransformerBlock({ width, heads: HEADS, device: ctx.device });
    using x = parameter(tensor(toF32(random([ROWS, width], 1)), { shape: [ROWS, width], device: ctx.device }));
    using cotangent = tensor(toF32(random([ROWS, width], 2)), { shape: [ROWS, width], device: ctx.device });
    const run = (h: Tensor, options: AttentionOptions): Tensor => block.forward(h, options);
    const step = (forward: typeof run): Tensor => {
      using tape = new Tape();
      using out = withSequences(onHost, (options) => forward(x, options));
      const gradients = tape.backward(out, cotangent);
      const gradient = gradients.of(x);
      gradients.delete(x);
      gradients.dispose();
      return gradient;
    };
    using plain = step(run);
    using kept = step(checkpoint(run));
    expect(await kept.data()).toEqual(await plain.data());
    using captured = capture(() => step(run), { device: ctx.device });
    captured({});
    expect(await captured({}).data()).toEqual(await plain.data());

    using tape = new Tape();
    const sequences = packedSequences(ctx.device, LENGTHS);
    using out = checkpoint((h: Tensor) => run(h, { cuSeqlens: sequences }))(x);
    sequences.dispose();
    expect(() => tape.backward(out, cotangent)).toThrow(/packed sequences .* disposed/);
  });
});
