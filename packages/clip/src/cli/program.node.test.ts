import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixturePath } from '@mudpt/testing/files';
import { createTokenizer, type Prediction, saveHuggingFace, weightsOf } from '@mudpt/clip';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eachDevice } from '@mudpt/testing/support';
import { distance } from '@mudpt/testing/numbers';
import { TINY, tinyClip } from '@mudpt/testing/models/odd-clip';
import { createProgram } from './program.ts';

const IMAGES = fixturePath('preprocess/pictures/');
/** Ids of CLIP's own tokenizer, rows of a tiny model. */
const CONFIG = { ...TINY, text: { ...TINY.text, vocabulary: 49408 } };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clip-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

eachDevice('pnpm clip', (ctx) => {
  let unreadable: readonly number[] = [];
  const run = async (...words: string[]): Promise<string> => {
    unreadable = [];
    let text = '';
    const program = createProgram({
      stdout: (part) => (text += part),
      stderr: () => undefined,
      isTerminal: true,
      signal: new AbortController().signal,
      onUnreadable: (count, of) => (unreadable = [count, of]),
      open: () => Promise.resolve(ctx.device),
    });
    await program.parseAsync(words, { from: 'user' });
    return text;
  };
  const saved = async (): Promise<string> => {
    using clip = tinyClip({ device: ctx.device }, CONFIG);
    await saveHuggingFace(join(folder, 'model'), weightsOf(clip));
    return join(folder, 'model');
  };
  const files = ['rgb.png', '444.jpg', 'grey.png'].map((name) => IMAGES + name);

  it('zeroshot tells the labels of files as the model does', async () => {
    const model = await saved();
    using clip = tinyClip({ device: ctx.device, tokenizer: await createTokenizer() }, CONFIG);
    const expected = await clip.zeroShot(files, ['cat', 'dog', 'a bird'], ['{} one', '{} two']);
    await writeFile(join(folder, 'labels.txt'), 'dog\n\na bird\r\n');
    const words = ['zeroshot', model, ...files, '--label', 'cat', '--labels', join(folder, 'labels.txt')];
    const flags = ['-t', '{} one', '-t', '{} two', '--batch', '2'];
    const json = JSON.parse(await run(...words, ...flags)) as { file: string; predictions: Prediction[] }[];
    expect(json.map(({ file }) => file)).toEqual(files);
    for (const [index, { predictions }] of json.entries()) {
      expect(predictions.map(({ label }) => label)).toEqual(expected[index]?.map(({ label }) => label));
      const [logits, known] = [predictions, expected[index] ?? []].map((row) => row.map(({ logit }) => logit));
      expect(distance(logits ?? [], known ?? [])).toBeLessThan(1e-5);
    }
    const csv = await run(...words, ...flags, '--format', 'csv', '--top', '1');
    const lines = csv.trimEnd().split('\r\n');
    expect(lines[0]).toBe('file,rank,label,probability,logit,status,error');
    expect(lines.slice(1).map((line) => line.split(',').slice(0, 3).join())).toEqual(
      files.map((file, index) => `${file},1,${expected[index]?.[0]?.label}`),
    );
  });

  it('zeroshot takes sentences for every class in place of templates', async () => {
    const model = await saved();
    using clip = tinyClip({ device: ctx.device, tokenizer: await createTokenizer() }, CONFIG);
    const sentences = { dog: ['it barks', 'a dog runs', 'loud'], cat: ['it purrs'] };
    const file = join(folder, 'descriptions.json');
    await writeFile(file, JSON.stringify(sentences));
    using images = await clip.encodeImage(files);
    using texts = await clip.encodeText(Object.values(sentences).flat());
    const unit = (values: readonly number[]): number[] => values.map((value) => value / Math.hypot(...values));
    const rowsOf = async (features: typeof texts): Promise<number[][]> => {
      const values = [...(await features.data())];
      return Array.from({ length: values.length / TINY.embed }, (_, row) =>
        unit(values.slice(row * TINY.embed, (row + 1) * TINY.embed)),
      );
    };
    const [ofImages, ofTexts] = [await rowsOf(images), await rowsOf(texts)];
    const classes = [ofTexts.slice(0, 3), ofTexts.slice(3)].map((rows) =>
      unit(Array.from({ length: TINY.embed }, (_, at) => rows.reduce((sum, row) => sum + (row[at] ?? 0), 0) / rows.length)),
    );
    const scale = Math.exp(await clip.logitScale.item());
    const words = ['zeroshot', model, ...files, '--descriptions', file];
    const json = JSON.parse(await run(...words)) as { predictions: Prediction[] }[];
    for (const [index, { predictions }] of json.entries())
      for (const { label, logit } of predictions) {
        const of = classes[label === 'dog' ? 0 : 1] ?? [];
        const expected = scale * of.reduce((sum, value, at) => sum + value * (ofImages[index]?.[at] ?? 0), 0);
        expect(logit, `${index} ${label}`).toBeCloseTo(expected, 3);
      }
    await expect(run(...words, '-l', 'dog')).rejects.toThrow(/sentences for "cat", which the data does not have/);
    await expect(run(...words, '-t', '{}')).rejects.toThrow(/descriptions and templates/);
  });

  it('embed writes features of images and texts, of unit length on request, to a file', async () => {
    const model = await saved();
    using clip = tinyClip({ device: ctx.device, tokenizer: await createTokenizer() }, CONFIG);
    using images = await clip.encodeImage(files.slice(0, 1));
    using texts = await clip.encodeText(['a cat', 'a dog']);
    const json = JSON.parse(await run('embed', model, files[0] ?? '', '--text', 'a cat', '--text', 'a dog')) as {
      file?: string;
      text?: string;
      embedding: number[];
    }[];
    expect(json.map(({ file, text }) => file ?? text)).toEqual([files[0], 'a cat', 'a dog']);
    const expected = [...(await images.data()), ...(await texts.data())];
    expect(
      distance(
        json.flatMap(({ embedding }) => embedding),
        expected,
      ),
    ).toBeLessThan(1e-5);
    const file = join(folder, 'features.csv');
    expect(await run('embed', model, '--text', 'a cat', '--normalize', '-f', 'csv', '-o', file)).toBe('');
    const [head, row] = (await readFile(file, 'utf8')).trimEnd().split('\r\n');
    expect(head).toBe(`kind,source,status,error,${Array.from({ length: TINY.embed }, (_, i) => `e_${i}`).join()}`);
    const values = (row ?? '').split(',').slice(4).map(Number);
    expect(Math.hypot(...values)).toBeCloseTo(1, 5);
  });

  it('has a row for every file: one that cannot be read stops nothing', async () => {
    const model = await saved();
    const bad = join(folder, 'bad.png');
    await writeFile(bad, 'no image');
    const listed = [bad, ...files.slice(0, 2), bad];
    const words = ['zeroshot', model, ...listed, '-l', 'cat', '-l', 'dog', '--batch', '2'];
    const json = JSON.parse(await run(...words)) as { file: string; status: string; error?: string }[];
    expect(json.map(({ file, status }) => [file, status])).toEqual(listed.map((file) => [file, file === bad ? 'error' : 'ok']));
    expect(json[0]?.error).toMatch(/is a text file/);
    expect(unreadable).toEqual([2, 4]);
    const lines = (await run(...words, '-f', 'csv', '--top', '1')).trimEnd().split('\r\n');
    expect(lines.map((line) => line.split(',').at(-2))).toEqual(['status', 'error', 'ok', 'ok', 'error']);
    const embedded = (await run('embed', model, ...listed, '-f', 'jsonl')).trimEnd().split('\n');
    expect(embedded.map((line) => (JSON.parse(line) as { status: string }).status).sort()).toEqual([
      'error',
      'error',
      'ok',
      'ok',
    ]);
    expect(unreadable).toEqual([2, 4]);
  });

  it('says what is wrong with arguments', async () => {
    await expect(run('zeroshot', 'model', IMAGES)).rejects.toThrow(/there are no labels\. Give --label or --labels/);
    await expect(run('zeroshot', join(folder, 'none'), IMAGES, '-l', 'cat')).rejects.toThrow(/no file or folder/);
    await expect(run('embed', 'model')).rejects.toThrow(/nothing to embed/);
    await expect(run('embed', 'model', '--batch', '0', '--text', 'x')).rejects.toThrow(/whole number of at least 1/);
    await expect(run('embed', 'model', '--fromat', 'csv')).rejects.toThrow(/Did you mean --format/);
    await expect(run('zeroshot', 'model')).rejects.toThrow(/missing required argument/);
  });
});
