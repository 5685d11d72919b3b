import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { confusionOf, metricsOf } from '../evaluation/index.ts';
import { calibrationOf } from '../evaluation/reliability.ts';
import { type Evaluation, RunFolder, type RunSummary, resolveConfig } from '../runs/index.ts';
import { html } from './markup.ts';
import { writeReport } from './report.ts';

const NAMES = ['red_fox', '</script><b>"wolf"', 'owl'];
const LABELS = [0, 0, 1, 1, 2, 2];
const [BEFORE, AFTER] = [
  [0, 1, 2, 1, 0, 0],
  [0, 0, 1, 2, 2, 0],
];

let path: string;

beforeAll(async () => {
  path = await mkdtemp(join(tmpdir(), 'report-'));
});
afterAll(() => rm(path, { recursive: true, force: true }));

const evaluation = (what: Evaluation['what'], guesses: readonly number[]): Evaluation => ({
  what,
  data: 'animals',
  split: 'test',
  classes: 'all',
  metrics: metricsOf(LABELS, guesses, NAMES.length),
  time: '2026-01-01T00:00:00Z',
});

const tower = { layers: 3 };
const place = (layer: number, ...sources: string[]) => ({ layer, rows: 2, sources });
const summary = (evaluations: readonly Evaluation[]): RunSummary => ({
  format: 2,
  marks: { config: 'a'.repeat(64), data: 'b'.repeat(64), images: 'c'.repeat(64), model: 'd'.repeat(64) },
  state: 'finished',
  data: {
    name: 'animals',
    template: 'a photo of a {}.',
    classes: NAMES.map((name) => ({ name, prompt: name, train: 4, val: 0, test: 2 })),
    warnings: ['one class has few pictures'],
    unreadable: [{ id: 'broken.png', why: 'it ends in the middle' }],
  },
  model: { name: 'small', hash: 'a'.repeat(64), imageSize: 32, config: { text: tower, image: tower } },
  method: {
    name: 'mudpt',
    title: 'MuDPT',
    summary: 'deep prompts',
    parameters: 1234,
    layout: { text: [place(0, 't'), place(1, 'd', 'v')], image: [place(0, 'v', 't')], example: '[v] [v] red fox .' },
  },
  adapter: 'an adapter',
  evaluations,
  training: { epochs: 2, stepsPerEpoch: 3, epochsDone: 2, seconds: 12, peakBytes: 1e6 },
});

async function makeRun(evaluations: readonly Evaluation[]): Promise<RunFolder> {
  const folder = new RunFolder(path);
  await folder.create();
  await folder.writeConfig(resolveConfig({ method: 'mudpt', data: 'animals', model: 'small' }));
  await folder.writeSummary(summary(evaluations));
  for (const one of evaluations)
    await folder.writeConfusion(one, confusionOf(LABELS, one.what === 'tuned' ? AFTER : BEFORE, NAMES.length));
  await folder.metrics.cut(0);
  await folder.metrics.append([
    { kind: 'step', epoch: 0, step: 0, loss: 2, accuracy: 10, lr: 1e-5, imagesPerSecond: 9, bytes: 5 },
    { kind: 'epoch', epoch: 0, loss: 1.5, accuracy: 40, lr: 1e-5, seconds: 1, valAccuracy: 30 },
    { kind: 'epoch', epoch: 1, loss: 0.5, accuracy: 90, lr: 1e-3, seconds: 1, valAccuracy: 70 },
  ]);
  await folder.writePredictions(
    LABELS.map((label, i) => ({
      id: `picture ${i}`,
      label,
      zeroShot: [[BEFORE[i] ?? 0, 0.6]],
      tuned: [[AFTER[i] ?? 0, 0.8]],
      loss: i,
    })),
  );
  return folder;
}

const drawn = async () =>
  sharp({ create: { width: 90, height: 60, channels: 3, background: '#0a0' } })
    .png()
    .toBuffer();

describe('a report', () => {
  it('is one page with the figures of the run and its pictures, and asks for nothing', async () => {
    const folder = await makeRun([evaluation('zero-shot', BEFORE), evaluation('tuned', AFTER)]);
    const image = await drawn();
    const test = LABELS.map((label, i) => ({ id: `picture ${i}`, image: new Uint8Array(image), label }));
    const text = await readFile(await writeReport({ folder, dataset: { splits: { train: [], val: [], test } } }), 'utf8');
    for (const fact of [
      'MuDPT on animals',
      '33.3\u00a0%',
      '66.7\u00a0%',
      '+33.3',
      'red fox',
      'one class has few pictures',
      'broken.png',
      '[v] [v] red fox .',
    ])
      expect(text).toContain(fact);
    expect(text.match(/data:image\/jpeg/g)).toHaveLength(LABELS.length * 2);
    expect(text).not.toMatch(/(src|href)="(?!data:)/);
    expect(text).not.toContain('<b>"wolf"');
    const cells = JSON.parse(/<script type="application\/json" id="cells">(.*?)<\/script>/s.exec(text)?.[1] ?? '') as {
      cells: Record<string, string[]>;
    };
    expect(cells.cells).toEqual({
      '0,0': ['picture 0', 'picture 1'],
      '1,1': ['picture 2'],
      '1,2': ['picture 3'],
      '2,2': ['picture 4'],
      '2,0': ['picture 5'],
    });
    for (const chart of ['loss', 'accuracy', 'classes', 'confusion_matrix'])
      expect((await sharp(join(path, `${chart}.png`)).stats()).isOpaque).toBe(true);
  });

  it('takes names of any characters: none ends its data, begins a comment, or fells a chart', async () => {
    const hostile = ['<!--<script>', '\u001b]0;T\u0007\ud800', '__proto__\n</script>'];
    const folder = await makeRun([evaluation('zero-shot', BEFORE), evaluation('tuned', AFTER)]);
    const written = await folder.readSummary();
    const classes = written.data.classes.map((facts, label) => ({ ...facts, name: hostile[label] ?? '' }));
    await folder.writeSummary({ ...written, data: { ...written.data, classes } });
    const text = await readFile(await writeReport({ folder, dataset: { splits: { train: [], val: [], test: [] } } }), 'utf8');
    expect(text).not.toContain('<!--');
    for (const control of ['\u001b', '\u0007']) expect(text).not.toContain(control);
    expect(text.match(/<script/g)).toHaveLength(2);
    const { names } = JSON.parse(/id="cells">(.*?)<\/script>/s.exec(text)?.[1] ?? '') as { names: string[] };
    expect(names[0]).toBe('<!--<script>');
  });

  it('says nothing that its own warnings contradict, and how many classes a mean is over', async () => {
    const folder = await makeRun([evaluation('zero-shot', BEFORE), evaluation('tuned', AFTER)]);
    const text = async (): Promise<string> =>
      readFile(await writeReport({ folder, dataset: { splits: { train: [], val: [], test: [] } } }), 'utf8');
    expect(await text()).toMatch(/test pictures that were never trained on.*95 % interval of drawing so many test pictures/);
    expect(await text()).toContain('macro F1 over 3 classes');
    expect(await text()).toContain('Balanced accuracy, in which every class counts the same, is 66.7');
    const written = await folder.readSummary();
    const warnings = ['1 test picture is seen in training or validation too, which flatters the accuracy: a = b'];
    await folder.writeSummary({
      ...written,
      data: { ...written.data, warnings },
      method: { ...written.method, name: 'zero-shot' },
    });
    expect(await text()).not.toContain('never trained on');
    expect(await text()).toContain('zero-shot by the method, ±');
  });

  it('draws how often each model is right where it is so sure, and leaves the section out where nobody measured it', async () => {
    const sure = (guesses: readonly number[]) =>
      calibrationOf(guesses.map((guess, i) => ({ confidence: i < 2 ? 0.5 : 0.9, isRight: guess === LABELS[i] })));
    const withCalibration = (what: Evaluation['what'], guesses: readonly number[]): Evaluation => {
      const made = evaluation(what, guesses);
      return { ...made, metrics: { ...made.metrics, calibration: sure(guesses) } };
    };
    const text = async (): Promise<string> =>
      readFile(await writeReport({ folder, dataset: { splits: { train: [], val: [], test: [] } } }), 'utf8');
    const folder = await makeRun([withCalibration('zero-shot', BEFORE), withCalibration('tuned', AFTER)]);
    // Of the tuned model two at 50 % are right, and two of four at 90 %: (2 * 50 + 4 * 40) / 6.
    expect(await text()).toMatch(/<h2>Calibration<\/h2>.*zero-shot: ECE 43\.3\u00a0%.*tuned: ECE 43\.3\u00a0%/s);
    expect((await text()).match(/confidence, %/g)).toHaveLength(2);
    const plain = summary([evaluation('zero-shot', BEFORE), evaluation('tuned', AFTER)]);
    await folder.writeSummary(plain);
    expect(await text()).not.toContain('<h2>Calibration</h2>');
    expect(await text()).not.toContain('<h2>Unknown pictures</h2>');
    const place = {
      data: 'animals',
      split: 'test',
      classes: 'all',
      unknown: 'plants & co',
      known: 6,
      count: 17,
      time: '',
    } as const;
    const detection = { auroc: 81.25, fpr95: 33.75, threshold: 0.5 };
    const unknown = (['zero-shot', 'tuned'] as const).map((what) => ({ ...place, what, softmax: detection, logit: detection }));
    await folder.writeSummary({ ...plain, unknown: [...unknown, { ...unknown[0]!, data: 'elsewhere', unknown: 'not here' }] });
    expect(await text()).toMatch(/Unknown pictures.*plants &amp; co.*zero-shot.*81\.3.*33\.8.*plants &amp; co.*tuned/s);
    expect(await text()).not.toContain('not here');
  });

  /** A run whose class 2i + 1 is always taken for 2i, with `perClass` images a class. */
  async function makeLargeRun(count: number, perClass = 1): Promise<RunFolder> {
    const folder = await makeRun([evaluation('zero-shot', BEFORE), evaluation('tuned', AFTER)]);
    const written = await folder.readSummary();
    const classes = Array.from({ length: count }, (_, label) => ({
      name: `class_${label}_${'of_a_very_long_name_'.repeat(3)}`,
      prompt: '',
      train: 1,
      val: 0,
      test: perClass,
    }));
    const labels = Array.from({ length: count * perClass }, (_, index) => index % count);
    const guesses = labels.map((label) => (label % 2 === 0 ? label : label - 1));
    const many = { ...evaluation('tuned', LABELS), metrics: metricsOf(labels, guesses, count) };
    for (const what of ['zero-shot', 'tuned'] as const)
      await folder.writeConfusion({ ...many, what }, confusionOf(labels, guesses, count));
    await folder.writeSummary({
      ...written,
      data: { ...written.data, classes },
      evaluations: [{ ...many, what: 'zero-shot' }, many],
      alternatives: [
        { method: 'linear-probe', title: 'Linear probe', validation: 92.5, test: 90.1, count: 40, isClearlyBetter: true },
      ],
      validation: 31,
    });
    await folder.writePredictions(
      labels.map((label, index) => {
        const top = [[guesses[index] ?? 0, 0.5]] as const;
        return { id: `picture ${index}`, label, zeroShot: top, tuned: top, loss: 1 };
      }),
    );
    return folder;
  }
  const nothing = { splits: { train: [], val: [], test: [] } };

  it('of many classes has a search, sorting and pairs in place of charts of every class', async () => {
    const text = await readFile(await writeReport({ folder: await makeLargeRun(200), dataset: nothing }), 'utf8');
    expect(text).toContain('type="search"');
    expect(text.match(/class="pair"/g)).toHaveLength(30);
    expect(text).toContain('data-cell="200"');
    expect(text).not.toContain('<div class="scroll matrix">');
    expect(text).toMatch(/Linear probe is clearly better here than MuDPT/);
    for (const setting of ['template', 'seed', 'shots', 'method', 'data']) expect(text).toContain(`<dt>${setting}</dt>`);
    expect(text).toContain('<dd>a photo of a {}.</dd>');
  });

  it('of 1,000 classes has one image of the matrix, charts of both ends, and stays light', async () => {
    const text = await readFile(await writeReport({ folder: await makeLargeRun(1000), dataset: nothing }), 'utf8');
    expect(text.match(/<img class="raster" src="data:image\/png;base64,/g)).toHaveLength(1);
    // Twenty classes at either end of two charts, twenty bars twice, and axes.
    expect(text.match(/<(circle|rect|path|line|text)\b/g)?.length).toBeLessThan(500);
    expect(text.length).toBeLessThan(800_000);
    expect(await sharp(join(path, 'confusion_matrix.png')).metadata()).toMatchObject({ width: 1000, height: 1000 });
  });

  it('is made in pieces, and stops between two where it is asked to', async () => {
    const folder = await makeLargeRun(100, 60);
    await rm(join(path, 'report.html'), { force: true });
    const stop = new AbortController();
    let turns = 0;
    const turn = (): void => {
      turns += 1;
      if (turns < 5) setImmediate(turn);
      else stop.abort(new Error('stopped'));
    };
    setImmediate(turn);
    await expect(writeReport({ folder, dataset: nothing, signal: stop.signal })).rejects.toThrow('stopped');
    await expect(readFile(join(path, 'report.html'))).rejects.toThrow(/ENOENT/);
  });

  it('shows training pictures beside errors, and labels to check', async () => {
    const folder = await makeRun([evaluation('zero-shot', BEFORE), evaluation('tuned', AFTER)]);
    const image = new Uint8Array(await drawn());
    await folder.writePredictions([{ id: 'p', label: 0, zeroShot: [[1, 0.6]], tuned: [[1, 0.97]], loss: 9 }]);
    const train = [0, 1, 2].map((label) => ({ id: `train ${label}`, image, label }));
    const splits = { train, val: [], test: [{ id: 'p', image, label: 0 }] };
    const text = await readFile(await writeReport({ folder, dataset: { splits } }), 'utf8');
    expect(text).toContain('Labels to check');
    // Of the true class and the one it was taken for, in both lists.
    expect(text.match(/<img class="example"/g)).toHaveLength(4);
    expect(text).toContain('training picture of red fox');
  });

  it('does without pictures that went missing', async () => {
    const folder = await makeRun([evaluation('zero-shot', BEFORE), evaluation('tuned', AFTER)]);
    const broken = join(path, 'broken.png');
    await writeFile(broken, 'no picture');
    const test = [{ id: 'picture 0', image: broken, label: 0 }];
    const text = await readFile(await writeReport({ folder, dataset: { splits: { train: [], val: [], test } } }), 'utf8');
    expect(text).not.toContain('data:image/jpeg');
  });

  it('of a run that was not evaluated is refused', async () => {
    const folder = await makeRun([evaluation('zero-shot', BEFORE)]);
    await expect(writeReport({ folder, dataset: { splits: { train: [], val: [], test: [] } } })).rejects.toThrow(
      /no tuned evaluation yet.*--resume/s,
    );
  });
});

it('markup escapes what is not markup', () => {
  expect(html`<p title="${'"<&'}">${html`<b>${1}</b>`}${['<', html`<i>`]}${undefined}${false}</p>`.text).toBe(
    '<p title="&quot;&lt;&amp;"><b>1</b>&lt;<i></p>',
  );
});
