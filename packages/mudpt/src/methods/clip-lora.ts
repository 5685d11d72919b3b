/**
 * CLIP-LoRA: low-rank few-shot adaptation of vision-language models (Zanella and Ben Ayed, CVPR workshops 2024;
 * github.com/MaxZanella/CLIP-LoRA). Low-rank updates of the attention's projections in both towers. Its path without dropout, whose gradient
 * leaves out the update, is not copied.
 */
import { noGrad, parameter, uniform, withSeed } from '@mudpt/autograd';
import type { BlockAdapter, LowRankUpdate } from '@mudpt/clip';
import { add, copyInto, crossEntropy, keep, scope, type Tensor, tensor, zeros } from '@mudpt/tensor';
import { z } from 'zod';
import { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import type {
  CreationContext,
  MethodContext,
  Outputs,
  PromptMethod,
  StepLoss,
  TowerAdapters,
  TowerPrompts,
} from '../method/method.ts';
import { type LayerAdapter, promptSpec, type PromptSpec, TOWERS } from '../method/prompt-spec.ts';
import type { PublishedSettings } from '../method/published.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { cosineLogits } from '../prompts/cosine.ts';
import { type AdapterUse, type PromptLearner, shapesOf } from '../prompts/learner.ts';
import { type Ownership, PromptedClip } from '../prompts/prompted.ts';
import { type PromptTemplate, textTemplate } from '../prompts/texts/prompt-template.ts';

/** Blocks from the first to the one before the last, as shares of the tower. */
const POSITIONS = {
  all: [0, 1],
  bottom: [0, 1 / 3],
  mid: [1 / 3, 2 / 3],
  up: [2 / 3, 1],
  'half-bottom': [0, 1 / 2],
  'half-up': [1 / 2, 1],
  top3: [3 / 4, 1],
} as const;

/** The authors' names of the projections. */
const PROJECTIONS = { q: 'q_proj', k: 'k_proj', v: 'v_proj', out: 'proj' } as const;
type Projection = keyof typeof PROJECTIONS;

const loraSettings = z.strictObject({
  rank: z.int().positive().max(4096).default(2).describe('of the updates'),
  alpha: z.number().positive().default(1).describe('updates are multiplied by alpha / sqrt(rank)'),
  projections: z
    .array(z.enum(['q', 'k', 'v', 'out']))
    .min(1)
    .default(['q', 'k', 'v'])
    .describe('projections of the attention that are updated'),
  towers: z.enum(['both', 'text', 'image']).default('both').describe('towers that are updated'),
  position: z
    .enum(['all', 'bottom', 'mid', 'up', 'half-bottom', 'half-up', 'top3'])
    .default('all')
    .describe('blocks that are updated: all, a third, a half, or the last quarter (3 of 12)'),
  dropout: z
    .number()
    .min(0)
    .lt(1)
    .default(0.25)
    .describe('probability that an input of an update is left out of a step; the same ones in micro-batches (--memory)'),
  template: z.string().default('a photo of a {}.').describe("the texts with {} for the class name; empty: the data set's own"),
});

export type LoraSettings = z.output<typeof loraSettings>;

/** The factor of the cosines in the released code, whatever the model has learnt. */
const SCALE = 100;

type Updates = readonly { readonly layer: number; readonly parts: Readonly<Partial<Record<Projection, LowRankUpdate>>> }[];

/** Updates of both towers, in blocks that are otherwise frozen. */
class LowRankLearner implements PromptLearner {
  readonly spec: PromptSpec;
  readonly learnable: ReadonlyMap<string, Tensor>;
  private readonly towers: Readonly<Partial<Record<(typeof TOWERS)[number], Updates>>>;

  constructor(
    context: CreationContext,
    readonly settings: Omit<LoraSettings, 'template'>,
  ) {
    const learnable = new Map<string, Tensor>();
    const declared: Partial<Record<(typeof TOWERS)[number], LayerAdapter[]>> = {};
    const towers: Partial<Record<(typeof TOWERS)[number], Updates>> = {};
    for (const tower of TOWERS) {
      if (settings.towers !== 'both' && settings.towers !== tower) continue;
      const updates = this.begin(context, tower, learnable);
      towers[tower] = updates.map(({ layer, parts }) => ({ layer, parts }));
      declared[tower] = updates.map(({ layer, sources }) => ({ layer, sources }));
    }
    this.towers = towers;
    this.learnable = learnable;
    this.spec = promptSpec('clip-lora', { parameters: shapesOf(learnable), adapters: declared });
  }

  prompts(): TowerPrompts {
    return {};
  }

  adapters(use: AdapterUse): TowerAdapters {
    const ofTower = (updates: Updates): readonly (BlockAdapter | undefined)[] => {
      const adapters: (BlockAdapter | undefined)[] = [];
      for (const { layer, parts } of updates) adapters[layer] = { lowRank: this.inUse(parts, use), merge: use === 'serve' };
      return Array.from(adapters);
    };
    const { text, image } = this.towers;
    return { ...(text && { text: ofTower(text) }), ...(image && { image: ofTower(image) }) };
  }

  /** With dropout in a loss alone. */
  private inUse(parts: Updates[number]['parts'], use: AdapterUse): Updates[number]['parts'] {
    const { dropout } = this.settings;
    if (use !== 'learn' || dropout === 0) return parts;
    return Object.fromEntries(Object.entries(parts).map(([name, update]) => [name, { ...update, dropout }]));
  }

  private begin(context: CreationContext, tower: (typeof TOWERS)[number], learnable: Map<string, Tensor>) {
    const { rank, alpha, projections, position } = this.settings;
    const { device, random } = context;
    const { width, layers } = context[tower].config;
    const [first, end] = POSITIONS[position].map((share) => Math.round(share * layers)) as [number, number];
    // A tower of one or two blocks has one at least in each of its parts.
    const from = Math.min(first, layers - 1);
    const to = Math.max(end, from + 1);
    return Array.from({ length: to - from }, (_, index) => {
      const layer = from + index;
      const sources: string[] = [];
      const parts: Partial<Record<Projection, LowRankUpdate>> = {};
      for (const projection of ['q', 'k', 'v', 'out'] as const) {
        if (!projections.includes(projection)) continue;
        const path = `${tower === 'image' ? 'visual.' : ''}transformer.resblocks.${layer}.attn.${PROJECTIONS[projection]}`;
        const a = uniform([rank, width], 1 / Math.sqrt(width), { device, random });
        const b = parameter(keep(zeros([width, rank], { device })));
        const names = { a: `${path}.w_lora_A`, b: `${path}.w_lora_B` };
        learnable.set(names.a, a).set(names.b, b);
        sources.push(names.a, names.b);
        parts[projection] = { a, b, scale: alpha / Math.sqrt(rank) };
      }
      return { layer, parts, sources };
    });
  }
}

export class ClipLora extends PromptedClip {
  /** What the dropout of a step is drawn from: it counts up. Empty without dropout. */
  override readonly state: ReadonlyMap<string, Tensor>;

  constructor(
    context: MethodContext,
    protected override readonly learner: LowRankLearner,
    template: PromptTemplate,
    ownership?: Ownership,
  ) {
    super('clip-lora', context, learner, template, ownership);
    const seed = () => keep(tensor(Uint32Array.of(context.seed >>> 0), { device: context.device, dtype: 'u32' }));
    this.state = new Map(learner.settings.dropout > 0 ? [['dropout.seed', seed()]] : []);
  }

  override loss(images: Tensor, labels: Tensor): StepLoss {
    return scope(() => {
      const outputs = this.inStep(() => this.outputsFor(images, 'learn'));
      const loss = crossEntropy(outputs.logits, labels);
      return { loss, outputs, terms: { crossEntropy: loss } };
    });
  }

  override forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, ClipLora);
    return new ClipLora(this.contextFor(other), this.learner, this.template, { owns: false });
  }

  override dispose(): void {
    super.dispose();
    for (const seed of this.state.values()) seed.dispose();
  }

  protected override outputs(imageFeatures: Tensor, textFeatures: Tensor): Outputs {
    return { logits: cosineLogits(imageFeatures, textFeatures, SCALE), imageFeatures, textFeatures };
  }

  /** With other random numbers in every call. */
  private inStep<T>(body: () => T): T {
    const seed = this.state.get('dropout.seed');
    if (!seed) return body();
    noGrad(() => copyInto(seed, add(seed, 1)));
    return withSeed(seed, body);
  }
}

const TRAINING = {
  optimizer: 'adamw',
  lr: 2e-4,
  weightDecay: 0.01,
  schedule: 'cosine-per-step',
  finalLr: 1e-6,
  warmupEpochs: 0,
  batchSize: 32,
} as const;

/** The same for all data sets: 500 iterations a shot. */
const published = [1, 2, 4, 8, 16].map(
  (shots): PublishedSettings => ({
    protocols: ['few-shot'],
    shots: [shots],
    settings: { rank: 2, alpha: 1, dropout: 0.25 },
    training: { ...TRAINING, iterations: 500 * shots },
    source: 'CLIP-LoRA, repository MaxZanella/CLIP-LoRA',
  }),
);

export const clipLora = defineMethod<LoraSettings>({
  name: 'clip-lora',
  title: 'CLIP-LoRA',
  summary: "low-rank updates of the attention's projections in both towers",
  settings: loraSettings,
  training: trainingPreset({ ...TRAINING, epochs: 160 }),
  published,
  variants: {},
  create(context, { template, ...settings }) {
    const learner = new LowRankLearner(context, settings);
    return new ClipLora(context, learner, textTemplate(context.tokenizer, template === '' ? undefined : template));
  },
});
