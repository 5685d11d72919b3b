/** What MMRL learns: tokens of a space that both towers share, their projections to both, and that of the second feature of images. */
import { Linear, normal } from '@mudpt/autograd';
import { copyInto, type Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import type { CreationContext, LayerTokens, TowerPrompts } from '../method/method.ts';
import { promptSpec, type PromptSpec, type TOWERS } from '../method/prompt-spec.ts';
import { BLOCK_PLACE, length } from '../method/settings.ts';
import { randomPrompts } from '../prompts/initial.ts';
import { named } from '../prompts/injection/parts.ts';
import { AFTER_PATCHES } from '../prompts/layers.ts';
import { type PromptLearner, shapesOf } from '../prompts/learner.ts';
import { settingMetadata } from '../settings/metadata.ts';

const layerNumber = z.int().max(4096);

export const mmrlSettings = z.strictObject({
  length: length(5),
  width: layerNumber.positive().default(512).describe('channels of the shared space'),
  firstLayer: layerNumber
    .min(2, 'tokens enter between blocks, so the second is the first that can be given some')
    .default(6)
    .describe('first block that tokens enter, counted from 1')
    .register(settingMetadata, BLOCK_PLACE),
  lastLayer: layerNumber.min(2).default(12).describe('last block that is given them anew').register(settingMetadata, BLOCK_PLACE),
  alpha: z
    .number()
    .min(0)
    .max(1)
    .default(0.7)
    .describe("weight of CLIP's own feature in loss and logits; the second has the rest"),
  distanceWeight: z.number().min(0).default(0.5).describe('of the mean cosine distances of both features from the frozen ones'),
});

export type MmrlSettings = z.output<typeof mmrlSettings>;

const LEARNER = 'representation_learner.compound_rep_tokens';
const PROJECTION = 'image_encoder.proj_rep';
/** Tokens [n, d], their projections to the width of each tower for each layer, and the projection of the second feature. */
export class Representation implements PromptLearner {
  readonly spec: PromptSpec;
  readonly learnable: ReadonlyMap<string, Tensor>;
  /** [image width, embed] */
  readonly projection: Tensor;
  private readonly tokens: Tensor;
  private readonly projects: Readonly<Record<(typeof TOWERS)[number], readonly Linear[]>>;

  constructor(
    context: CreationContext,
    readonly settings: MmrlSettings,
  ) {
    const { length: n, width: d, firstLayer, lastLayer } = settings;
    const [textWidth, imageWidth] = [context.text.config.width, context.image.config.width];
    this.tokens = randomPrompts([n, d], context, context.random);
    const linears = (width: number): readonly Linear[] =>
      copies(
        Array.from(
          { length: lastLayer - firstLayer + 1 },
          () => new Linear(d, width, { device: context.device, random: context.random }),
        ),
      );
    this.projects = { image: linears(imageWidth), text: linears(textWidth) };
    this.projection = normal([imageWidth, context.embed], imageWidth ** -0.5, { device: context.device, random: context.random });
    const names = { image: 'r2vproj', text: 'r2tproj' } as const;
    const ofLayer = (tower: (typeof TOWERS)[number], project: Linear, index: number) =>
      named(`${LEARNER}_${names[tower]}.${index}`, project);
    const networks = (['image', 'text'] as const).flatMap((tower) =>
      this.projects[tower].flatMap((project, index) => ofLayer(tower, project, index)),
    );
    this.learnable = new Map([[LEARNER, this.tokens], ...networks, [PROJECTION, this.projection]]);
    const layers = (tower: (typeof TOWERS)[number]) =>
      this.projects[tower].map((project, index) => ({
        layer: firstLayer - 1 + index,
        computedFrom: [LEARNER, ...ofLayer(tower, project, index).map(([name]) => name)],
      }));
    this.spec = promptSpec('mmrl', {
      parameters: shapesOf(this.learnable),
      text: { nCtx: n, width: textWidth, at: 1, inserted: true, position: 'end', layers: layers('text') },
      image: { nCtx: n, width: imageWidth, ...AFTER_PATCHES, layers: layers('image') },
      branches: { image: [PROJECTION] },
    });
  }

  prompts(): TowerPrompts {
    const before = Array.from({ length: this.settings.firstLayer - 1 }, () => undefined);
    const of = (projects: readonly Linear[]): LayerTokens => [...before, ...projects.map((one) => one.forward(this.tokens))];
    return { text: of(this.projects.text), image: of(this.projects.image) };
  }
}

/** All of them begin as the first. */
function copies(linears: readonly Linear[]): readonly Linear[] {
  const [first, ...others] = linears as readonly [Linear, ...Linear[]];
  for (const other of others) {
    copyInto(other.weight, first.weight);
    if (other.bias && first.bias) copyInto(other.bias, first.bias);
  }
  return linears;
}
