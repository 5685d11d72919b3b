import { readFile } from 'node:fs/promises';
import { fixturePath } from '@mudpt/testing/files';
import { type Clip, createImageLoader, createTokenizer, ensemble, normalize } from '@mudpt/clip';
import { capture, reshape, tensor, type Tensor } from '@mudpt/tensor';
import { describe, expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { goldenClip, readFixture } from '@mudpt/testing/models/golden-clip';
import { distance, numbers, rowOf } from '@mudpt/testing/numbers';
import { TINY, tinyClip, tinyWeights } from '@mudpt/testing/models/odd-clip';
import { fillTemplates, rank } from './zero-shot.ts';

const IMAGES = fixturePath('preprocess/pictures/');
const imagePath = (name: string): string => IMAGES + name;
const SIZE = TINY.image.size;

eachDevice('Clip', (ctx) => {
  it("gives the features and logits of OpenAI's code", async () => {
    using clip = await goldenClip({ device: ctx.device });
    const golden = await readFixture('zeroshot_clip_a.safetensors');
    const of = (name: string) => golden.get(name) ?? { shape: [], data: new Float32Array() };
    using images = tensor(of('input.image').data, { shape: of('input.image').shape, device: ctx.device });
    const ids = { ids: Int32Array.from(of('input.token_ids').data), contextLength: 16 };
    using imageFeatures = await clip.encodeImage(images);
    using dense = await clip.encodeText(ids, { packed: false });
    using packed = await clip.encodeText(ids);
    using logits = clip.similarity(imageFeatures, packed);
    expect(distance(await imageFeatures.data(), of('expect.image_features').data)).toBeLessThan(1e-5);
    expect(distance(await dense.data(), of('expect.text_features').data)).toBeLessThan(1e-5);
    expect(distance(await packed.data(), await dense.data())).toBeLessThan(1e-6);
    expect(distance(await logits.data(), of('expect.logits').data)).toBeLessThan(1e-5);
  });

  const ids = [
    [28, 3, 29],
    [28, 7, 7, 2, 29],
    [28, 29],
    [28, 14, 3, 1, 29],
  ];

  it('encodes in batches of any size what it encodes at once', async () => {
    using clip = tinyClip({ device: ctx.device });
    using images = tensor(numbers(5 * 3 * SIZE * SIZE, 2), { shape: [5, 3, SIZE, SIZE], device: ctx.device });
    using whole = await clip.encodeImage(images);
    using text = await clip.encodeText(ids);
    expect([whole.shape, text.shape]).toEqual([
      [5, TINY.embed],
      [4, TINY.embed],
    ]);
    for (const batch of [1, 2, 5]) {
      using parts = await clip.encodeImage(images, { batch });
      expect(distance(await parts.data(), await whole.data())).toBeLessThan(1e-6);
    }
    for (const options of [{ batchTokens: 1 }, { batchTokens: 8 }, { packed: false }, { packed: false, batchTokens: 5 }]) {
      using parts = await clip.encodeText(ids, options);
      expect(distance(await parts.data(), await text.data()), JSON.stringify(options)).toBeLessThan(1e-6);
    }
  });

  it('encodes texts that begin alike for any length, that differ at once, or end at once', async () => {
    using clip = tinyClip({ device: ctx.device });
    const names = [[3, 4], [3], [5, 6, 7]];
    const alike = names.map((name) => [28, 1, 2, ...name, 29]);
    const same = [28, 7, 8, 29];
    const differing = [
      [28, 4, 29],
      [5, 29],
    ];
    for (const texts of [alike, [same, same], [same], differing, [[29]], [[28, 3, 29], [29]]]) {
      using packed = await clip.encodeText(texts);
      using dense = await clip.encodeText(texts, { packed: false });
      expect(distance(await packed.data(), await dense.data())).toBeLessThan(1e-6);
    }
  });

  it('stops when it is aborted, also between batches, and leaves nothing behind', async () => {
    using clip = tinyClip({ device: ctx.device });
    using images = tensor(numbers(4 * 3 * SIZE * SIZE, 2), { shape: [4, 3, SIZE, SIZE], device: ctx.device });
    const reason = new Error('enough');
    await expect(clip.encodeImage(images, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(clip.encodeText(ids, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(clip.zeroShot([imagePath('rgb.png')], ['a'], ['{}'], { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const controller = new AbortController();
    const running = clip.encodeImage(images, { batch: 1, signal: controller.signal });
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
  });

  it('says what is missing: images, texts, labels, templates, a tower, and after dispose the model', async () => {
    const clip = tinyClip({ device: ctx.device });
    await expect(clip.encodeImage([])).rejects.toThrow(/there are no images/);
    await expect(clip.encodeText([])).rejects.toThrow(/no text is given/);
    await expect(clip.zeroShot([], ['dog'])).rejects.toThrow(/there are no images/);
    await expect(clip.zeroShot([imagePath('rgb.png')], [])).rejects.toThrow(/there are no labels/);
    await expect(clip.zeroShot([imagePath('rgb.png')], ['dog'], [])).rejects.toThrow(/there are no templates/);
    await expect(clip.zeroShot([imagePath('rgb.png')], ['dog'], ['a photo'])).rejects.toThrow(/"a photo" has no place/);
    await expect(clip.encodeText(['dog'])).rejects.toThrow(/token 49406 .* is not in the vocabulary of 30/);
    await expect(clip.encodeImage([imagePath('rgb.png')], { batch: 0 })).rejects.toThrow(/batch is 0/);
    await expect(clip.encodeImage([imagePath('refused.svg')])).rejects.toThrow(/refused\.svg/);
    using text = tinyClip({ device: ctx.device, towers: ['text'] });
    await expect(text.encodeImage([imagePath('rgb.png')])).rejects.toThrow(/without its image tower/);
    clip.dispose();
    clip.dispose();
    await expect(clip.encodeText(ids)).rejects.toThrow(/disposed/);
  });

  const vocabulary = { ...TINY, text: { ...TINY.text, vocabulary: 49408 } };
  const LABELS = ['cat', 'photo of a dog', '42'];
  const TEMPLATES = ['{}.', 'a {}', '{} {}'];

  it('classifies files zero-shot as its parts do one by one', async () => {
    const tokenizer = await createTokenizer();
    using clip: Clip = tinyClip({ device: ctx.device, tokenizer }, vocabulary);
    const files = ['rgb.png', '444.jpg', 'grey.png'].map(imagePath);
    const predictions = await clip.zeroShot(files, LABELS, TEMPLATES, { batch: 2 });
    const top = await clip.zeroShot(files, LABELS, TEMPLATES, { top: 1 });
    expect(top).toEqual(predictions.map((row) => row.slice(0, 1)));

    await using loader = createImageLoader({ size: SIZE, workers: 0 });
    const squares = await Promise.all(files.map((file) => loader.load(file)));
    using images = tensor(normalize(squares, SIZE), { shape: [files.length, 3, SIZE, SIZE], device: ctx.device });
    using imageFeatures = await clip.encodeImage(images);
    using textFeatures = await clip.encodeText(fillTemplates(LABELS, TEMPLATES), { packed: false });
    using grouped = reshape(textFeatures, [TEMPLATES.length, LABELS.length, TINY.embed]);
    using classes = ensemble(grouped);
    using logits = clip.similarity(imageFeatures, classes);
    const values = await logits.data();
    for (const [index, row] of predictions.entries()) {
      const scores = rowOf(values, index, LABELS.length);
      expect(row.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 9);
      expect(row.map(({ index: label }) => label)).toEqual([...scores.keys()].sort((a, b) => scores[b]! - scores[a]!));
      for (const { index: label, logit, label: name } of row) {
        expect(name).toBe(LABELS[label]);
        expect(Math.abs(logit - scores[label]!)).toBeLessThan(1e-4);
      }
    }
    const bytes = await readFile(files[0] ?? '');
    expect(await clip.zeroShot([bytes], LABELS, TEMPLATES)).toEqual([
      predictions[0]?.map(({ logit, probability, ...rest }) => ({
        ...rest,
        logit: expect.closeTo(logit, 4),
        probability: expect.closeTo(probability, 5),
      })),
    ]);
  });

  it('computes the class matrix once for the same lists, keeps few of them, and none of a tower that learns', async () => {
    const tokenizer = await createTokenizer();
    using clip = tinyClip({ device: ctx.device, tokenizer }, vocabulary);
    const dispatches = async (labels: readonly string[]): Promise<number> => {
      const { dispatches: before } = ctx.device.counters();
      using _features = await clip.classFeatures(labels);
      return ctx.device.counters().dispatches - before;
    };
    expect(await dispatches(LABELS)).toBeGreaterThan(20);
    expect(await dispatches([...LABELS])).toBe(0);
    const many = ['a', 'b', 'c', 'd', 'e'];
    for (const label of many) await dispatches([label]);
    expect(await dispatches(['e'])).toBe(0);
    expect(await dispatches(LABELS)).toBeGreaterThan(20);
    using learnt = tinyClip({ device: ctx.device, tokenizer, trainable: true }, vocabulary);
    using one = await learnt.classFeatures(['a']);
    const { dispatches: before } = ctx.device.counters();
    using two = await learnt.classFeatures(['a']);
    expect(ctx.device.counters().dispatches - before).toBeGreaterThan(20);
    expect(await two.data()).toEqual(await one.data());
  });

  it('can be captured: the same bits, and other images at the next call', async () => {
    using clip = tinyClip({ device: ctx.device });
    const input = (seed: number): Tensor =>
      tensor(numbers(3 * SIZE * SIZE, seed), { shape: [1, 3, SIZE, SIZE], device: ctx.device });
    using step = capture(({ x }: { x: Tensor }) => {
      const features = clip.image?.forward(x) as Tensor;
      return clip.similarity(features, clip.text?.forward(ids) as Tensor);
    });
    for (const seed of [1, 2, 3]) {
      using x = input(seed);
      using imageFeatures = clip.image?.forward(x) as Tensor;
      using textFeatures = clip.text?.forward(ids) as Tensor;
      using eager = clip.similarity(imageFeatures, textFeatures);
      expect(await step({ x }).data()).toEqual(await eager.data());
    }
  });

  it('keeps frozen token rows on the host: only those that occur are uploaded', async () => {
    using clip = tinyClip({ device: ctx.device }, vocabulary);
    const table = 4 * 49408 * TINY.text.width;
    expect(ctx.device.memory().liveBytes).toBeLessThan(table);
    using rows = clip.text?.tokens.rows(Int32Array.of(5, 5, 49407), [3, 1]) as Tensor;
    expect(rows.shape).toEqual([3, 1, TINY.text.width]);
    const host = tinyWeights(vocabulary)['token_embedding.weight']?.data ?? [];
    const values = await rows.data();
    for (const [place, id] of [5, 5, 49407].entries())
      expect(rowOf(values, place, TINY.text.width)).toEqual(rowOf(host, id, TINY.text.width));
    expect(() => clip.text?.tokens.rows(Int32Array.of(49408))).toThrow(/token 49408 is not in the table/);
  });
});

describe('zero-shot texts and scores', () => {
  it('fill every place of every template, template by template', () => {
    expect(fillTemplates(['a', '$&'], ['x {}', '{}{}'])).toEqual(['x a', 'x $&', 'aa', '$&$&']);
  });

  it('rank by logit, keep equal labels apart and the order of ties', () => {
    const row = rank([1, 3, 3], ['a', 'b', 'b'], 3);
    expect(row.map(({ label, index }) => [label, index])).toEqual([
      ['b', 1],
      ['b', 2],
      ['a', 0],
    ]);
    expect(row[0]?.probability).toBeCloseTo(1 / (2 + Math.exp(-2)), 12);
    expect(rank([1000], ['only'], 5)).toEqual([{ label: 'only', index: 0, logit: 1000, probability: 1 }]);
  });
});
