import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { methodNamed, methodNames, PROTOCOLS, registerMethod } from '../../methods/index.ts';
import { valuesText } from '../../method/published.ts';
import { resolveConfig, runName } from './config.ts';
import { identity } from './identity.ts';
import { inputOf } from './input.ts';
import { protocolNotes, sourcesOf } from './published.ts';
import type { RunInput } from './settings.ts';

const ofRun = (input: RunInput) => resolveConfig({ model: 'openai/clip-vit-base-patch16', ...input });

/** Repositories: KaiyangZhou/CoOp, muzairkhattak/multimodal-prompt-learning, muzairkhattak/PromptSRC, gaopengcuhk/Tip-Adapter, Mechrev0/MuDPT. */
const PUBLISHED: readonly [source: string, input: RunInput, settings: object, training: object][] = [
  ...(
    [
      [1, 50, 'vit_b16_ep50'],
      [2, 100, 'vit_b16_ep100'],
      [4, 100, 'vit_b16_ep100'],
      [8, 200, 'vit_b16'],
      [16, 200, 'vit_b16'],
    ] as const
  ).flatMap(([shots, epochs, config]): (typeof PUBLISHED)[number][] => [
    [
      `CoOp, COOP.md and configs/trainers/CoOp/${config}.yaml`,
      { method: 'coop', protocol: 'few-shot', data: 'dtd', shots },
      { length: 16, initWords: '' },
      { lr: 0.002, epochs, batchSize: 32 },
    ],
    [
      'CoOp, COOP.md and configs/trainers/CoOp/vit_b16_ep50.yaml',
      { method: 'coop', protocol: 'few-shot', data: 'imagenet', shots },
      { length: 16, initWords: '' },
      { lr: 0.002, epochs: 50, batchSize: 32 },
    ],
  ]),
  // scripts/cocoop/base2new_test.sh names these configurations for CoOp.
  [
    'configs/trainers/CoOp/vit_b16_ctxv1.yaml',
    { method: 'coop', protocol: 'base-to-new', data: 'dtd' },
    { initWords: 'a photo of a' },
    { lr: 0.002, epochs: 200, batchSize: 32 },
  ],
  [
    'configs/trainers/CoOp/vit_b16_ep50_ctxv1.yaml',
    { method: 'coop', protocol: 'base-to-new', data: 'imagenet' },
    { initWords: 'a photo of a' },
    { epochs: 50 },
  ],
  [
    'configs/trainers/CoOp/vit_b16_ep50_ctxv1.yaml',
    { method: 'coop', protocol: 'domain', data: 'imagenet' },
    { initWords: 'a photo of a' },
    { epochs: 50 },
  ],
  ...(['base-to-new', 'cross-dataset', 'domain'] as const).map((protocol): (typeof PUBLISHED)[number] => [
    'CoCoOp, configs/trainers/CoCoOp/vit_b16_c4_ep10_batch1_ctxv1.yaml',
    { method: 'cocoop', protocol },
    { initWords: 'a photo of a' },
    { lr: 0.002, epochs: 10, batchSize: 1 },
  ]),
  ...(
    [
      ['base-to-new', 16, 'oxford_pets', ''],
      ['base-to-new', 16, 'dtd', 'a photo of a {}, a type of texture.'],
      ['cross-dataset', 4, 'imagenet', ''],
    ] as const
  ).map(([protocol, shots, data, template]): (typeof PUBLISHED)[number] => [
    'KgCoOp',
    { method: 'kgcoop', protocol, shots, data },
    { length: 4, initWords: 'a photo of a', distanceWeight: 8, template },
    { lr: 0.002, epochs: 100, batchSize: 128, momentum: 0.9, weightDecay: 5e-4, warmupEpochs: 1, cropScale: [0.08, 1] },
  ]),
  ...(
    [
      [1, 'dtd', 0.5, 100, 2e-3],
      [16, 'oxford_flowers', 1, 200, 2e-3],
      [4, 'imagenet', 0.5, 100, 2e-4],
    ] as const
  ).map(([shots, data, residualWeight, epochs, lr]): (typeof PUBLISHED)[number] => [
    'TaskRes',
    { method: 'taskres', protocol: 'few-shot', shots, data },
    { residualWeight, underscores: 'kept' },
    { optimizer: 'adam', lr, epochs, batchSize: 256, weightDecay: 5e-4, adamBetas: [0.9, 0.999], adamEps: 1e-8 },
  ]),
  ...(
    [
      ['few-shot', 1, 'ucf101', '', 1, 50],
      ['few-shot', 16, 'dtd', 'a texture of {}.', 0.8, 200],
      ['few-shot', 8, 'eurosat', '', 0.8, 200],
      ['few-shot', 4, 'oxford_flowers', 'a type of flower, a photo of a {}.', 1, 100],
      ['base-to-new', 4, 'food101', 'a type of food, a photo of {}.', 1, 100],
    ] as const
  ).map(([protocol, shots, data, template, projectionWeight, epochs]): (typeof PUBLISHED)[number] => [
    'ProGrad',
    { method: 'prograd', protocol, shots, data },
    { length: 16, initWords: '', template, projectionWeight, temperature: 1 },
    { lr: 0.002, epochs, batchSize: 32, momentum: 0.9, weightDecay: 5e-4 },
  ]),
  [
    'MaPLe, configs/trainers/MaPLe/vit_b16_c2_ep5_batch4_2ctx.yaml',
    { method: 'maple', protocol: 'base-to-new' },
    { length: 2, depth: 9 },
    { lr: 0.0035, epochs: 5, batchSize: 4 },
  ],
  ...(['cross-dataset', 'domain'] as const).flatMap((protocol): (typeof PUBLISHED)[number][] => [
    [
      'MaPLe, configs/trainers/MaPLe/vit_b16_c2_ep5_batch4_2ctx_cross_datasets.yaml',
      { method: 'maple', protocol, data: 'imagenet' },
      { length: 2, depth: 3 },
      { lr: 0.0026, epochs: 2, batchSize: 4 },
    ],
    [
      'PromptSRC, configs/trainers/PromptSRC/vit_b16_c2_ep20_batch4_4+4ctx_cross_datasets.yaml',
      { method: 'promptsrc', protocol, data: 'imagenet' },
      { textLength: 4, imageLength: 4, textDepth: 3, imageDepth: 3, aggregationMean: 6, aggregationDeviation: 10 },
      { lr: 0.0025, epochs: 20, batchSize: 4 },
    ],
    ['ep5_nctx2_depth9', { method: 'mudpt', protocol, data: 'imagenet' }, { length: 2, depth: 9 }, { lr: 0.0025, epochs: 5 }],
    ['as they run MuDPT', { method: 'umudpt', protocol }, {}, { lr: 0.0025, epochs: 5, batchSize: 4 }],
  ]),
  [
    'PromptSRC, configs/trainers/PromptSRC/vit_b16_c2_ep20_batch4_4+4ctx.yaml',
    { method: 'promptsrc', protocol: 'base-to-new' },
    { textDepth: 9, imageDepth: 9, aggregationMean: 15, aggregationDeviation: 1, textLossWeight: 25, imageLossWeight: 10 },
    { lr: 0.0025, epochs: 20, batchSize: 4 },
  ],
  ...(
    [
      [['imagenet', 'caltech101', 'oxford_pets', 'food101', 'ucf101', 'sun397'], 30, 30],
      [['stanford_cars', 'oxford_flowers', 'fgvc_aircraft', 'dtd', 'eurosat'], 45, 5],
    ] as const
  ).flatMap(([sets, aggregationMean, aggregationDeviation]) =>
    sets.map((data): (typeof PUBLISHED)[number] => [
      'PromptSRC, configs/trainers/PromptSRC/vit_b16_c2_ep50_batch4_4+4ctx_few_shot.yaml',
      { method: 'promptsrc', protocol: 'few-shot', data, shots: 4 },
      { textDepth: 9, imageDepth: 9, aggregationMean, aggregationDeviation },
      { lr: 0.0025, epochs: 50, batchSize: 4 },
    ]),
  ),
  ['bz4_ep10_nctx4_depth9', { method: 'mudpt', protocol: 'few-shot' }, {}, { lr: 0.0025, epochs: 10, batchSize: 4 }],
  ['bz4_ep10_nctx4_depth9', { method: 'mudpt', protocol: 'base-to-new' }, {}, { lr: 0.0025, epochs: 10, batchSize: 4 }],
  [
    'MaPLe, configs/trainers/IVLP/vit_b16_c2_ep5_batch4_2+2ctx.yaml',
    { method: 'ivlp', protocol: 'base-to-new' },
    { textLength: 2, textDepth: 12, imageLength: 2, imageDepth: 12 },
    { lr: 0.0035, epochs: 5, batchSize: 4 },
  ],
  [
    'MaPLe, configs/trainers/IVLP/vit_b16_c2_ep5_batch4_4ctx_language_only.yaml',
    { method: 'deep-language', protocol: 'base-to-new' },
    { length: 4, depth: 12 },
    { lr: 0.0025, epochs: 5, batchSize: 4 },
  ],
  [
    'MaPLe, configs/trainers/VPT/vit_b16_c2_ep5_batch4_4.yaml',
    { method: 'vpt', protocol: 'base-to-new' },
    { length: 8, depth: 12 },
    { lr: 0.0025, epochs: 5, batchSize: 4 },
  ],
  // init_alpha and search_scale of configs/*.yaml.
  ...Object.entries({
    imagenet: [1.17, 7, 3],
    oxford_pets: [1.17, 7, 3],
    ucf101: [3, 7, 3],
    caltech101: [3, 12, 5],
    dtd: [2, 13, 13],
    eurosat: [2, 12, 10],
    sun397: [1.17, 12, 10],
    food101: [1.17, 10, 10],
    stanford_cars: [3, 20, 10],
    fgvc_aircraft: [5, 30, 30],
    oxford_flowers: [10, 50, 50],
  }).flatMap(([data, [alpha, betaLimit, alphaLimit]]): (typeof PUBLISHED)[number][] => {
    const search = { beta: 1, alpha, betaLimit, alphaLimit, betaSteps: 200, alphaSteps: 20, cachePasses: 10 };
    const epochs = data === 'eurosat' ? 100 : 20;
    return [
      [`Tip-Adapter, configs of its repository (${data})`, { method: 'tip-adapter', protocol: 'few-shot', data }, search, {}],
      [
        `Tip-Adapter, configs of its repository (${data})`,
        { method: 'tip-adapter-f', protocol: 'few-shot', data },
        { ...search, epochs, lr: 1e-3, adamEps: 1e-4, batchSize: 256 },
        {},
      ],
    ];
  }),
  [
    'LP++',
    { method: 'lp-plus-plus', protocol: 'few-shot' },
    { epochs: 300, momentum: 0.9, alphaEvery: 10, alphaStart: 250, alphaGradient: 'summed' },
    {},
  ],
  ...([1, 16] as const).map((shots): (typeof PUBLISHED)[number] => [
    'ProLIP',
    { method: 'prolip', protocol: 'few-shot', shots },
    { penalty: 1 / shots, scale: 100 },
    {
      optimizer: 'adam',
      lr: 1e-5,
      epochs: 300,
      adamEps: 1e-4,
      weightDecay: 0,
      schedule: 'cosine-per-step',
      warmupEpochs: 0,
      finalLr: 0,
    },
  ]),
  [
    'CoOp, lpclip/linear_probe.py',
    { method: 'linear-probe', protocol: 'few-shot' },
    { strengths: [1e6, 1e4, 1e2, 1, 1e-2, 1e-4, 1e-6], searchSteps: 8, maxIterations: 1000 },
    {},
  ],
  ...PROTOCOLS.map((protocol): (typeof PUBLISHED)[number] => [
    'CoOp, trainers/zsclip.py',
    { method: 'zero-shot', protocol },
    { templates: [], selected: false },
    {},
  ]),
];

describe('what was published', () => {
  it.each(PUBLISHED)('%s: %j', (source, input, settings, training) => {
    for (const model of ['openai/clip-vit-base-patch16', 'embedded']) {
      const config = resolveConfig({ model, ...input });
      expect(config).toMatchObject({ protocol: input.protocol, settings, training });
      expect(sourcesOf(config).some((one) => one.includes(source))).toBe(true);
      expect(protocolNotes(config)).toEqual([]);
    }
  });

  it("has Tip-Adapter's seven templates on ImageNet alone", () => {
    const of = (data: string) => ofRun({ method: 'tip-adapter', protocol: 'few-shot', data }).settings['templates'] as string[];
    expect(of('imagenet')).toEqual([
      ...['itap of a {}.', 'a bad photo of the {}.', 'a origami {}.', 'a photo of the large {}.', 'a {} in a video game.'],
      ...['art of the {}.', 'a photo of the small {}.'],
    ]);
    expect(of('dtd')).toEqual([]);
  });
});

describe('a protocol and a variant', () => {
  it('stand between what is set by name and the presets, and are recorded', async () => {
    const asked = await inputOf({ method: 'maple', protocol: 'cross-dataset', data: 'imagenet', set: ['depth=4'], epochs: '3' });
    const config = resolveConfig(asked);
    // The embedded model's preset (12 epochs of 32 images) has no say.
    expect(config).toMatchObject({
      settings: { depth: 4 },
      training: { epochs: 3, lr: 0.0026, batchSize: 4, cropScale: [0.08, 1] },
    });
    expect(resolveConfig(config)).toEqual(config);
    expect(protocolNotes(config)).toEqual(['depth is 4, and 3 is published', 'epochs is 3, and 2 is published']);
    expect(runName(config, 'imagenet', 'f00d')).toBe('imagenet/maple-embedded-16shots-cross-dataset-f00d/seed1');
    const variant = await inputOf({ method: 'mudpt', protocol: 'few-shot', variant: 'released-defaults' });
    expect(resolveConfig(variant)).toMatchObject({ variant: 'released-defaults', settings: { depth: 8, injection: 'linear' } });
    expect(runName(resolveConfig(variant), 'pets', 'm')).toBe('pets/mudpt-released-defaults-embedded-16shots-few-shot-m/seed1');
  });

  it('base-to-new trains on base classes, unless others are named', () => {
    expect(ofRun({ protocol: 'base-to-new' }).classes).toBe('base');
    expect(ofRun({ protocol: 'base-to-new', classes: 'all' }).classes).toBe('all');
    expect(ofRun({ protocol: 'few-shot' }).classes).toBe('all');
  });

  it('are no part of what a run is: its settings are', () => {
    const published = ofRun({ method: 'maple', protocol: 'cross-dataset' });
    const { protocol: _, ...plain } = published;
    expect(identity(published)).toBe(identity(plain));
    expect(identity(published)).not.toBe(identity(ofRun({ method: 'maple' })));
  });

  it('say where nothing was published, and take what holds without them', () => {
    const config = resolveConfig({ method: 'maple', protocol: 'few-shot' });
    expect(config.training).toEqual(resolveConfig({ method: 'maple' }).training);
    expect(protocolNotes(config)).toEqual(['MaPLe publishes nothing for few-shot: the run takes its usual settings']);
    const shots = ofRun({ method: 'coop', protocol: 'few-shot', shots: 3, data: 'dtd' });
    expect(protocolNotes(shots)).toEqual([
      'CoOp publishes nothing for few-shot with 3 shots on dtd: the run takes its usual settings',
    ]);
    expect(protocolNotes(ofRun({ method: 'coop' }))).toEqual([]);
  });

  it('are refused where nobody published them', () => {
    expect(() => ofRun({ method: 'mudpt', variant: 'released-default' })).toThrow(
      /no variant.*Did you mean released-defaults\?/s,
    );
    expect(() => ofRun({ method: 'maple', variant: 'x' })).toThrow(/It has none: leave it out/);
    expect(() => ofRun({ method: 'mudpt', variant: 'toString' })).toThrow(/no variant/);
    expect(() => ofRun({ protocol: 'few' as never })).toThrow(/protocol/);
  });

  it('are for methods of other packages too', () => {
    const { published: _, ...method } = methodNamed('vpt');
    const lr = 0.125;
    using _registered = registerMethod({
      ...method,
      name: 'theirs',
      published: [{ protocols: ['few-shot'], data: ['icons'], training: { lr }, source: 'Their paper, table 3' }],
    });
    const config = ofRun({ method: 'theirs', protocol: 'few-shot' });
    expect(config.training).toMatchObject({ lr });
    expect(sourcesOf(config)).toEqual(['Their paper, table 3']);
    const broken = (one: object) => () => registerMethod({ ...method, name: 'broken', published: [one as never] });
    const source = 'paper';
    expect(broken({ protocols: ['few'], source })).toThrow(/Name some of few-shot/);
    expect(broken({ protocols: ['few-shot'] })).toThrow(/without a source/);
    expect(broken({ protocols: ['few-shot'], source, training: { lr: -1 } })).toThrow(
      /training settings in the published.*refuse/,
    );
  });
});

it('epochs that are asked for end iterations that were not', () => {
  const of = (training: object, more: object = {}) =>
    ofRun({ method: 'clip-lora', protocol: 'few-shot', shots: 4, training, ...more } as RunInput);
  expect(of({}).training).toMatchObject({ iterations: 2000, epochs: 160, finalLr: 1e-6, warmupEpochs: 0, batchSize: 32 });
  expect(of({ epochs: 3 }).training).toMatchObject({ iterations: 0, epochs: 3 });
  expect(of({ epochs: 3, iterations: 7 }).training).toMatchObject({ iterations: 7, epochs: 3 });
  expect(of({}, { shots: 16 }).training).toMatchObject({ iterations: 8000 });
  // A run of before: its epochs stand in its configuration, and no iterations.
  const before = of({ epochs: 432 });
  expect(identity(before)).not.toContain('iterations');
  expect(identity(of({}))).toContain('iterations');
});

/** A row for whatever methods state, as docs/published-settings.md has them. */
function tableOfAll(): string {
  const rows = methodNames().flatMap((name) => {
    const { title, published = [], variants } = methodNamed(name);
    return [
      ...published.map((one) => [
        title,
        one.protocols.join(', '),
        one.data?.join(', ') ?? 'any',
        one.shots?.join(', ') ?? 'any',
        valuesText(one),
        one.source,
      ]),
      ...Object.entries(variants).map(([variant, values]) => [title, `\`--variant ${variant}\``, '', '', valuesText(values), '']),
    ];
  });
  const header = ['Method', 'Protocol', 'Trained on', 'Shots', 'Settings', 'Source'];
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

it('docs/published-settings.md has the table of all of it', async () => {
  const text = await readFile(new URL('../../../../../docs/published-settings.md', import.meta.url), 'utf8');
  expect(text).toContain(tableOfAll());
});
