/**
 * ATPrompt: textual prompt learning with anchored attributes (Li et al., ICCV 2025; github.com/zhengli97/ATPrompt). Words for attributes stand among the
 * context tokens, each with context tokens of its own, in CoOp's form or in MaPLe's: `[v] [v] color [v] [v] shape [v] [v] dog .`. Deeper layers replace the
 * tokens before the class name alone. The released code counts every word as one token of the tokenizer, so that longer ones ("playfulness") displace what
 * follows; that, MaPLe's half-precision rounding and fixed widths are not copied.
 */
import { normal } from '@mudpt/autograd';
import type { Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import { defineMethod } from '../method/definition.ts';
import type { CreationContext, TowerPrompts } from '../method/method.ts';
import { promptSpec, type PromptSpec, TOWERS } from '../method/prompt-spec.ts';
import type { PublishedSettings } from '../method/published.ts';
import { depth, expectDepth, length } from '../method/settings.ts';
import { idleWhere, settingMetadata } from '../settings/metadata.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { placeholders, randomPrompts } from '../prompts/initial.ts';
import { LearntPrompts, type PromptLearner, withAnchored } from '../prompts/learner.ts';
import { PromptedClip } from '../prompts/prompted.ts';
import { prefixTemplate } from '../prompts/texts/prompt-template.ts';
import { CONTEXT, coopText } from './coop.ts';
import { MapleLearner } from './maple.ts';

/** Standard deviation of the tokens of attributes; those before the class name have the family's. */
const ATTRIBUTE_DEVIATION = 0.01;
/** More than any data set was published with, and what texts of 77 tokens hold. */
const MOST_ATTRIBUTES = 8;

const atpromptSettings = z.strictObject({
  form: z.enum(['coop', 'maple']).default('coop').describe("the prompts that attributes are put among: CoOp's, or MaPLe's"),
  length: length(2).describe('context tokens of each attribute, and as many before the class name'),
  attributes: z
    .array(z.string().trim().min(1))
    .min(1)
    .max(MOST_ATTRIBUTES)
    .default(['color', 'shape'])
    .describe('words for attributes that all classes have, in the order of the text'),
  depth: depth(9)
    .describe("layers that take prompts in MaPLe's form, the input counted as the first")
    .register(settingMetadata, {
      flag: 'depth',
      placeholder: 'count',
      counts: 'layers',
      idle: ({ form }) => idleWhere(form === 'coop', 'form is coop'),
    }),
});

export type AtpromptSettings = z.output<typeof atpromptSettings>;

/** The beginning of the texts, and where the context tokens of the attributes stand in it. */
type Anchors = {
  readonly prefix: string;
  /** By attribute, in order. */
  readonly names: readonly string[];
  readonly places: readonly number[];
  /** Place of the first context token before the class name. */
  readonly at: number;
};

function anchorsOf({ tokenizer }: CreationContext, { attributes, length: n }: AtpromptSettings): Anchors {
  const context = placeholders(n);
  const places: number[] = [];
  let at = 1;
  for (const word of attributes) {
    for (let index = 0; index < n; index += 1) places.push(at + index);
    at += n + tokenizer.encode(` ${word}`, { specialTokens: false }).length;
  }
  const prefix = [...attributes.map((word) => `${context} ${word}`), context].join(' ');
  return { prefix, names: attributes.map((_, index) => `prompt_learner.ctx_att${index + 1}`), places, at };
}

/** The context tokens [n, width] of each attribute, drawn after everything else. */
function attributeTokens(
  { device, random, text }: CreationContext,
  { names }: Anchors,
  n: number,
): readonly (readonly [string, Tensor])[] {
  return names.map((name) => [name, normal([n, text.config.width], ATTRIBUTE_DEVIATION, { device, random })] as const);
}

/** `spec` with the tokens of the attributes in layer 0 of its texts. */
function anchored(
  spec: Pick<PromptSpec, 'parameters' | 'image'> & { readonly text: NonNullable<PromptSpec['text']> },
  { names, places, at }: Anchors,
): PromptSpec {
  const { nCtx, width, layers } = spec.text;
  const parameters = { ...spec.parameters, ...Object.fromEntries(names.map((name) => [name, [nCtx, width]])) };
  const [first, ...deeper] = layers;
  if (!first) return { ...spec, parameters };
  const text = { ...spec.text, at, before: { learnt: names, places }, layers: [{ ...first, computedFrom: names }, ...deeper] };
  return promptSpec('atprompt', { ...spec, parameters, text });
}

/** MaPLe's prompts with those of attributes in the texts; images get what MaPLe's give them. */
class AnchoredMaple implements PromptLearner {
  readonly spec: PromptSpec;
  readonly learnable: ReadonlyMap<string, Tensor>;

  constructor(
    private readonly maple: MapleLearner,
    private readonly anchors: Anchors,
    tokens: ReturnType<typeof attributeTokens>,
  ) {
    const { parameters, text, image } = maple.spec;
    this.learnable = new Map([...maple.learnable, ...tokens]);
    this.spec = text ? anchored({ parameters, text, ...(image && { image }) }, anchors) : maple.spec;
  }

  prompts(): TowerPrompts {
    const { text = [], image } = this.maple.prompts();
    const [context, ...deeper] = text;
    const first = context && withAnchored(context, this.anchors.names, this.learnable);
    return { text: [first, ...deeper], ...(image && { image }) };
  }
}

function learnerOf(context: CreationContext, settings: AtpromptSettings, anchors: Anchors): PromptLearner {
  const { form, length: n, depth: layers } = settings;
  const tokens = randomPrompts([n, context.text.config.width], context, context.random);
  if (form === 'maple') {
    const maple = new MapleLearner(context, tokens, layers);
    return new AnchoredMaple(maple, anchors, attributeTokens(context, anchors, n));
  }
  const learnable = new Map<string, Tensor>([[CONTEXT, tokens], ...attributeTokens(context, anchors, n)]);
  return new LearntPrompts(anchored(coopText(tokens.shape, 'end'), anchors), learnable);
}

/** What the authors' search found for each data set, of five attributes that a language model had named. */
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  imagenet: ['color', 'shape'],
  caltech101: ['shape', 'size'],
  oxford_pets: ['playfulness', 'energy'],
  stanford_cars: ['luxury'],
  oxford_flowers: ['color', 'habitat', 'growth'],
  food101: ['flavor', 'preparation'],
  fgvc_aircraft: ['design', 'range'],
  sun397: ['function'],
  dtd: ['pattern', 'color', 'design'],
  eurosat: ['habitat'],
  ucf101: ['precision'],
};

const TRAINING = { lr: 0.002, epochs: 100, batchSize: 32 } as const;

const published = Object.entries(ATTRIBUTES).map(
  ([data, attributes]): PublishedSettings => ({
    protocols: ['base-to-new'],
    data: [data],
    settings: { form: 'coop', length: 2, attributes },
    training: TRAINING,
    source: 'ATPrompt, scripts/coop/atp_base2new_train.sh and train.py',
  }),
);

export const atprompt = defineMethod<AtpromptSettings>({
  name: 'atprompt',
  title: 'ATPrompt',
  summary: 'context tokens with words for attributes among them, in the forms of CoOp and MaPLe',
  settings: atpromptSettings,
  training: trainingPreset(TRAINING),
  published: [
    ...published,
    {
      protocols: ['cross-dataset', 'domain'],
      data: ['imagenet'],
      settings: { form: 'coop', length: 4, attributes: ATTRIBUTES['imagenet'] },
      training: { ...TRAINING, epochs: 10 },
      source: 'ATPrompt, scripts/coop/atp_xd_train.sh and train.py',
    },
  ],
  variants: {
    maple: { settings: { form: 'maple', length: 2, depth: 9 }, training: { lr: 0.0035, epochs: 5, batchSize: 4 } },
    'maple-cross-dataset': {
      settings: { form: 'maple', length: 2, depth: 3 },
      training: { lr: 0.0026, epochs: 3, batchSize: 4 },
    },
  },
  create(context, settings) {
    if (settings.form === 'maple')
      for (const tower of TOWERS) expectDepth('atprompt', 'depth', settings.depth, tower, context[tower].config.layers);
    const anchors = anchorsOf(context, settings);
    return new PromptedClip(
      'atprompt',
      context,
      learnerOf(context, settings, anchors),
      prefixTemplate(context.tokenizer, anchors.prefix),
    );
  },
});
