/**
 * TCP: textual-based class-aware prompt tuning (Yao et al., CVPR 2024; github.com/htyao89/Textual-based_Class-aware_prompt_tuning). KgCoOp's
 * loss, and a network that turns the hand-written feature of each class into prompts for a later layer of its text. Its reshaping to a fixed
 * width of 512 is not copied.
 */
import { Linear } from '@mudpt/autograd';
import { add, crossEntropy, keep, l2Normalize, mul, reshape, scope, type Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import { meanOfUnits, meanUnitSentenceFeatures, templateFeatures } from '../features/ensemble.ts';
import { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import type { MethodContext, PromptMethod, StepLoss, TowerPrompts } from '../method/method.ts';
import { promptSpec, type PromptSpec } from '../method/prompt-spec.ts';
import type { PublishedSettings } from '../method/published.ts';
import { BLOCK_INDEX, length } from '../method/settings.ts';
import { settingMetadata } from '../settings/metadata.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { cosineDistance } from '../prompts/cosine.ts';
import { placeholders, randomPrompts } from '../prompts/initial.ts';
import { named } from '../prompts/injection/parts.ts';
import { AFTER_START } from '../prompts/layers.ts';
import { type PromptLearner, shapesOf } from '../prompts/learner.ts';
import { type Ownership, PromptedClip } from '../prompts/prompted.ts';
import { type PromptTemplate, textTemplate } from '../prompts/texts/prompt-template.ts';
import { CONTEXT } from './coop.ts';

const tcpSettings = z.strictObject({
  length: length(4),
  layer: z
    .int()
    .positive()
    .default(8)
    .describe('block of the text tower, counted from 0, whose input gets the class-aware prompts')
    .register(settingMetadata, BLOCK_INDEX),
  reduction: z.int().positive().default(4).describe('the network has embed / reduction channels inside'),
  distanceWeight: z
    .number()
    .min(0)
    .default(8)
    .describe("of the mean cosine distance between texts' features and the hand-written ones"),
  template: z
    .string()
    .default('')
    .describe('the text with {} for the class name, whose first words the prompts replace; empty: "X X X X {}."'),
  handTemplate: z
    .string()
    .default('')
    .describe("the hand-written text with {} for the class name; empty: the data set's own")
    .register(settingMetadata, { yieldsToDescriptions: true }),
});

export type TcpSettings = z.output<typeof tcpSettings>;

const NETWORK = 'prompt_learner.meta_net';

/** The learnt tensors, which methods for other classes share. */
type Parts = { readonly context: Tensor; readonly linear1: Linear; readonly linear2: Linear; readonly layer: number };

/** The context [n, width], and class-aware prompts [C, n, width] from hand-written features. */
export class ClassAwarePrompts implements PromptLearner {
  readonly spec: PromptSpec;
  readonly learnable: ReadonlyMap<string, Tensor>;

  /** @param written unit features [C, embed] of hand-written texts */
  constructor(
    readonly parts: Parts,
    readonly written: Tensor,
  ) {
    const { context, linear1, linear2, layer } = parts;
    const network = [...named(`${NETWORK}.linear1`, linear1), ...named(`${NETWORK}.linear2`, linear2)];
    this.learnable = new Map([[CONTEXT, context], ...network]);
    const [nCtx, width] = context.shape as [number, number];
    const computedFrom = network.map(([name]) => name);
    this.spec = promptSpec('tcp', {
      parameters: shapesOf(this.learnable),
      text: {
        ...AFTER_START,
        nCtx,
        width,
        layers: [
          { layer: 0, learnt: { name: CONTEXT } },
          { layer, ofEachClass: true, computedFrom },
        ],
      },
    });
  }

  prompts(): TowerPrompts {
    const { context, linear1, linear2, layer } = this.parts;
    const inner = linear1.forward(this.written, { activation: 'quickGelu' });
    const ofClasses = reshape(linear2.forward(inner), [-1, ...context.shape]);
    const between = Array.from({ length: layer - 1 }, () => undefined);
    return { text: [context, ...between, ofClasses] };
  }
}

export class Tcp extends PromptedClip {
  constructor(
    context: MethodContext,
    protected override readonly learner: ClassAwarePrompts,
    template: PromptTemplate,
    private readonly handTemplate: PromptTemplate,
    private readonly distanceWeight: number,
    ownership?: Ownership,
  ) {
    super('tcp', context, learner, template, ownership);
  }

  override loss(images: Tensor, labels: Tensor): StepLoss {
    return scope(() => {
      const outputs = this.forward(images);
      const terms = {
        crossEntropy: crossEntropy(outputs.logits, labels),
        distance: mul(cosineDistance(outputs.textFeatures, this.learner.written), this.distanceWeight),
      };
      return { loss: add(terms.crossEntropy, terms.distance), outputs, terms };
    });
  }

  /** The class-aware prompts of other classes come from their hand-written features. */
  override forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, Tcp);
    const context = this.contextFor(other);
    return withFeatures(context, this.handTemplate, (written) => {
      const learner = new ClassAwarePrompts(this.learner.parts, written);
      return new Tcp(context, learner, this.template, this.handTemplate, this.distanceWeight, { owns: false });
    });
  }

  override dispose(): void {
    super.dispose();
    this.learner.written.dispose();
  }
}

/** Makes something of the unit features [C, embed] of hand-written texts, or of descriptions of the classes; it takes them over. */
function withFeatures<T>(context: MethodContext, template: PromptTemplate, make: (written: Tensor) => T): T {
  const written = unitFeatures(context, template);
  try {
    return make(written);
  } catch (error) {
    written.dispose();
    throw error;
  }
}

/** @throws MethodError where context tokens would take the places of the class name */
function expectPlaces(tokenizer: MethodContext['tokenizer'], template: string, count: number): void {
  const [before = ''] = template.split('{}');
  const places = tokenizer.encode(before, { specialTokens: false }).length;
  if (places >= count) return;
  throw new MethodError(
    'tcp',
    `length is ${count}, and the template "${template}" has ${places} tokens before the class name, which would be replaced too`,
    'write an X before it for each context token, or set length to fewer',
  );
}

function unitFeatures(context: MethodContext, template: PromptTemplate): Tensor {
  if (context.descriptions) {
    using means = meanUnitSentenceFeatures(context, context.descriptions);
    return keep(scope(() => l2Normalize(means)));
  }
  using features = templateFeatures(context, [template]);
  return keep(meanOfUnits(features));
}

const TRAINING = { optimizer: 'adam', lr: 2e-3, adamEps: 1e-3, epochs: 50, batchSize: 32 } as const;

/** Texts by data set: that of the prompts, and the hand-written one where it is not the data set's own. */
const TEXTS: Readonly<Record<string, readonly [template: string, handTemplate: string]>> = {
  oxford_pets: ['X X X X {}, a type of pet.', 'a photo of a {}, a type of pet.'],
  oxford_flowers: ['X X X X {}, a type of flower.', 'a photo of a {}, a type of flower.'],
  fgvc_aircraft: ['X X X X {}, a type of aircraft.', 'a photo of an aircraft {}.'],
  dtd: ['X X X X {} texture.', 'a photo of a {}, a type of texture.'],
  food101: ['X X X X {}, a type of food.', 'a photo of a {}, a type of food.'],
  stanford_cars: ['X X X X {}, a type of car', 'a photo of a {}.'],
  eurosat: ['X X X X {}.', 'a centered satellite photo of {}.'],
  sun397: ['X X X X {}.', 'a photo of a {}.'],
  caltech101: ['X X X X {}.', 'a photo of a {}.'],
  ucf101: ['a photo of a person doing {}.', 'a photo of a person doing {}.'],
  imagenet: ['a photo of a {}.', 'a photo of a {}.'],
};

/** In sun397 and imagenet the state after half of the epochs is tested. */
const published = Object.entries(TEXTS).map(
  ([data, [template, handTemplate]]): PublishedSettings => ({
    protocols: ['base-to-new'],
    data: [data],
    settings: { length: 4, layer: 8, distanceWeight: 8, template, handTemplate },
    training: TRAINING,
    source: 'TCP, repository htyao89/Textual-based_Class-aware_prompt_tuning',
  }),
);

export const tcp = defineMethod<TcpSettings>({
  name: 'tcp',
  title: 'TCP',
  summary: 'context tokens in the texts, and class-aware ones in a later layer, computed from hand-written texts',
  settings: tcpSettings,
  training: trainingPreset(TRAINING),
  readsDescriptions: () => true,
  published,
  variants: {},
  create(context, { length: count, layer, reduction, distanceWeight, template, handTemplate }) {
    const { tokenizer, text, embed, device, random } = context;
    if (text.config.layers === 1)
      throw new MethodError(
        'tcp',
        'its class-aware prompts enter a later block than the first, and the text tower has one',
        'choose a deeper model, or another method',
      );
    if (layer >= text.config.layers)
      throw new MethodError(
        'tcp',
        `layer is ${layer}, and the text tower has blocks 0 to ${text.config.layers - 1}`,
        `set layer to at most ${text.config.layers - 1}`,
        { code: 'method.depth', values: { setting: 'layer', value: layer, layers: text.config.layers - 1 } },
      );
    if (template.includes('{}')) expectPlaces(tokenizer, template, count);
    const written = textTemplate(tokenizer, handTemplate === '' ? undefined : handTemplate);
    return withFeatures(context, written, (features) => {
      const inside = Math.max(1, Math.floor(embed / reduction));
      const first = randomPrompts([count, text.config.width], context, random);
      const linear1 = new Linear(embed, inside, { device, random });
      const linear2 = new Linear(inside, count * text.config.width, { device, random });
      const learner = new ClassAwarePrompts({ context: first, linear1, linear2, layer }, features);
      const texts = textTemplate(tokenizer, template === '' ? `${placeholders(count)} {}.` : template);
      return new Tcp(context, learner, texts, written, distanceWeight);
    });
  },
});
