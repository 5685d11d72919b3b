/** Towers whose blocks compute in f16: against those in f32, in every way that blocks run, and what they keep for a backward. */
import { Tape, withSeed } from '@mudpt/autograd';
import { type BlockAdapter, type Clip, type ClipConfig, type ClipOptions, type StackOptions } from '@mudpt/clip';
import { mul, scope, sum, type Tensor, tensor } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import { distance, numbers } from '@mudpt/testing/numbers';
import { TINY, tinyClip } from '@mudpt/testing/models/odd-clip';
import { eachDevice } from '@mudpt/testing/support';

const EVA: ClipConfig = { ...TINY, image: { ...TINY.image, architecture: 'eva02', pretrainedSide: 2 } };
const [SOT, EOT] = [28, 29];
const SHARED = [SOT, 5, 6];
const TEXTS = [[3], [7, 7, 2], [], [14, 3, 9, 9, 1]].map((name) => [...SHARED, ...name, EOT]);

const HALF: Omit<ClipOptions, 'device'> = { dtype: 'f16', activationDType: 'f16' };
/** Relative errors of features and of gradients: a few roundings to f16 (5e-4 each) a block. */
const [FEATURES, GRADIENTS] = [4e-3, 1e-2];

eachDevice('towers with activations in f16', (ctx) => {
  const onDevice = (values: Float32Array, shape: readonly number[]): Tensor => tensor(values, { shape, device: ctx.device });
  const images = (): Tensor => {
    const { size } = TINY.image;
    return onDevice(numbers(2 * 3 * size ** 2, 8), [2, 3, size, size]);
  };
  /** Prompts of some layers, at a place; their gradients are those that are compared. */
  const promptsOf = (width: number, layers: number): Tensor[] =>
    Array.from({ length: layers }, (_, layer) => onDevice(numbers(2 * width, 40 + layer), [2, width]));
  const adaptersOf = (width: number, hidden: number, dropout = 0): BlockAdapter[] => [
    {
      lowRank: Object.fromEntries(
        (['q', 'v', 'out', 'up', 'down'] as const).map((product, at) => {
          const [inputs, outputs] = [product === 'down' ? hidden : width, product === 'up' ? hidden : width];
          const [a, b] = [
            onDevice(numbers(2 * inputs, 60 + at), [2, inputs]),
            onDevice(numbers(2 * outputs, 70 + at), [outputs, 2]),
          ];
          return [product, { a, b, scale: 0.3, dropout }];
        }),
      ),
    },
  ];
  const learntOf = ({ prompts, adapters }: StackOptions): Tensor[] => [
    ...(prompts?.layers ?? []).filter((one) => one !== undefined),
    ...(adapters ?? []).flatMap((one) => Object.values(one?.lowRank ?? {}).flatMap(({ a, b }) => [a, b])),
  ];

  type Run = (clip: Clip, options: StackOptions) => Tensor;
  const ofImages: Run = (clip, options) => clip.tower('image').forward(images(), options);
  const ofTexts: Run = (clip, options) => clip.tower('text').forward(TEXTS, options);
  /** Packed after three tokens that are shared. */
  const ofPackedTexts: Run = (clip, options) => {
    const text = clip.tower('text');
    const { prefixIds, rowIds, sequences, eot } = text.pack(TEXTS, 3);
    tables.push(sequences);
    return text.forwardPacked({ prefix: text.tokens.rows(prefixIds), rows: text.tokens.rows(rowIds), sequences, eot }, options);
  };
  const tables: Disposable[] = [];

  /** Features, the gradients of what is learnt, and the bytes that a tape keeps. */
  const learn = async (clip: Clip, run: Run, options: StackOptions) => {
    using tape = new Tape();
    const learnt = learntOf(options);
    for (const one of learnt) tape.watch(one);
    using features = withSeed(3, () => scope(() => run(clip, options)));
    const kept = tape.savedBytes;
    using loss = scope(() => sum(mul(features, onDevice(numbers(features.size, 51), features.shape))));
    using gradients = tape.backward(loss);
    for (const table of tables.splice(0)) table[Symbol.dispose]();
    expect(features.dtype).toBe('f32');
    const read = await Promise.all(learnt.map(async (one) => Array.from(await gradients.of(one).data())));
    return { features: await features.data(), gradients: read.flat(), kept };
  };

  /** Compares runs on one model with weights and activations of f16 and of f32. */
  const compare = async (config: ClipConfig, run: Run, options: StackOptions, half = HALF) => {
    using exact = tinyClip({ device: ctx.device }, config);
    using short = tinyClip({ device: ctx.device, ...half }, config);
    const [wanted, found] = [await learn(exact, run, options), await learn(short, run, options)];
    const gap = distance(found.features, wanted.features);
    expect(gap).toBeGreaterThan(1e-6);
    expect(gap).toBeLessThan(FEATURES);
    expect(distance(found.gradients, wanted.gradients)).toBeLessThan(GRADIENTS);
  };

  const its = (name: string, body: () => Promise<void>): void =>
    it(name, async ({ skip }) => {
      skip(!ctx.device.hasF16, 'the adapter has no shader-f16');
      await scope(body);
    });

  it('are refused by an adapter without it, which is named', ({ skip }) => {
    skip(ctx.device.hasF16, 'the adapter has shader-f16');
    const { name } = ctx.device.adapter;
    const build = () => tinyClip({ device: ctx.device, activationDType: 'f16' });
    expect(build).toThrow(`the adapter ${name} has no shader-f16, and activationDType is f16`);
    expect(() => tinyClip({ device: ctx.device, ...HALF })).toThrow(/dtype and activationDType are f16/);
  });

  describe.each([
    ['images', ofImages, 'end', TINY],
    ['texts', ofTexts, 1, TINY],
    ['packed texts', ofPackedTexts, 1, TINY],
    ['images of an EVA-02', ofImages, 'end', EVA],
  ] as const)('%s', (_, run, at, config) => {
    const { width, hidden } = run === ofImages ? config.image : config.text;

    its('have features and gradients near those of f32, and keep less', async () => {
      const options = { prompts: { at, layers: promptsOf(width, 2) } };
      await compare(config, run, options);
      using clip = tinyClip({ device: ctx.device, dtype: 'f16' }, config);
      using short = tinyClip({ device: ctx.device, ...HALF }, config);
      // What is kept counts the weights: here both have them in f16.
      const [wide, narrow] = [await learn(clip, run, options), await learn(short, run, options)];
      expect(narrow.kept).toBeLessThan(0.8 * wide.kept);
    });

    its('give the same bits with blocks and half blocks computed twice', async () => {
      const prompts = { at, layers: promptsOf(width, 2) };
      using clip = tinyClip({ device: ctx.device, ...HALF }, config);
      const plain = await learn(clip, run, { prompts });
      for (const recompute of [true, 'selective'] as const) {
        const twice = await learn(clip, run, { prompts, recompute });
        expect([twice.features, twice.gradients], String(recompute)).toEqual([plain.features, plain.gradients]);
        expect(twice.kept).toBeLessThan(plain.kept);
      }
    });

    if (config === TINY)
      its('take adapters, with dropout and merged', async () => {
        await compare(config, run, { adapters: adaptersOf(width, hidden) });
        await compare(config, run, { adapters: adaptersOf(width, hidden, 0.4) });
        const merged = adaptersOf(width, hidden).map((one) => ({ ...one, merge: true }));
        await compare(config, run, { adapters: merged });
      });
  });

  its('go with weights in f32, and the other way round', async () => {
    const options = { prompts: { at: 'end', layers: promptsOf(TINY.image.width, 1) } } as const;
    await compare(TINY, ofImages, options, { activationDType: 'f16' });
    await compare(TINY, ofImages, options, { dtype: 'f16' });
  });

  its('learn weights in f32, too', async () => {
    using exact = tinyClip({ device: ctx.device, trainable: true });
    using short = tinyClip({ device: ctx.device, trainable: true, activationDType: 'f16' });
    const gradientsOf = async (clip: Clip): Promise<number[]> => {
      using tape = new Tape();
      using loss = scope(() => sum(mul(ofImages(clip, {}), ofImages(clip, {}))));
      using gradients = tape.backward(loss);
      const learnt = clip.parameters().filter((one) => gradients.get(one));
      expect(new Set(learnt.map((one) => gradients.of(one).dtype))).toEqual(new Set(['f32']));
      return (await Promise.all(learnt.map(async (one) => Array.from(await gradients.of(one).data())))).flat();
    };
    expect(distance(await gradientsOf(short), await gradientsOf(exact))).toBeLessThan(GRADIENTS);
  });

  its('have logits and their loss in f32, however large', async () => {
    using clip = tinyClip({ device: ctx.device, ...HALF });
    const [image, text] = [await clip.encodeImage(images()), await clip.encodeText(TEXTS)];
    const large = mul(clip.similarity(image, text), 1e4);
    expect([image.dtype, text.dtype, large.dtype]).toEqual(['f32', 'f32', 'f32']);
    const values = [...(await large.data())];
    expect(values.every(Number.isFinite)).toBe(true);
    expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(65504);
  });

  /** Residual streams are f32: tokens as large as no f16 pass, and what blocks add to them is not lost. */
  its('pass tokens that f16 cannot hold', async () => {
    using exact = tinyClip({ device: ctx.device });
    using short = tinyClip({ device: ctx.device, ...HALF });
    const { width } = TINY.text;
    const embeddings = onDevice(
      numbers(4 * width, 9).map((value) => 1e5 * value),
      [1, 4, width],
    );
    const features = async (clip: Clip) =>
      await clip
        .tower('text')
        .forward({ embeddings, eot: [3] })
        .data();
    expect(distance(await features(short), await features(exact))).toBeLessThan(FEATURES);
  });
});
