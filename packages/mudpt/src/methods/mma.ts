/**
 * MMA: multi-modal adapter for vision-language models (Yang et al., CVPR 2024; github.com/ZjjConan/VLM-MultiModalAdapter). A small network beside
 * each of the upper blocks of both towers, whose middle both share. That the released code keeps the texts' features of its first evaluation, and
 * cannot have towers of unequal depth, is not copied.
 */
import { defineRule, Linear, normal, parameter } from '@mudpt/autograd';
import type { BlockAdapter } from '@mudpt/clip';
import { alias, keep, linear, mul, type Tensor, zeros } from '@mudpt/tensor';
import { defineOp } from '@mudpt/tensor/kernels';
import { z } from 'zod';
import { defineMethod } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import type { CreationContext, TowerAdapters, TowerPrompts } from '../method/method.ts';
import { promptSpec, type PromptSpec, TOWERS } from '../method/prompt-spec.ts';
import { BLOCK_PLACE, expectDepth } from '../method/settings.ts';
import { settingMetadata } from '../settings/metadata.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { named } from '../prompts/injection/parts.ts';
import { type PromptLearner, shapesOf } from '../prompts/learner.ts';
import { PromptedClip } from '../prompts/prompted.ts';
import { textTemplate } from '../prompts/texts/prompt-template.ts';

const layerNumber = z.int().positive().max(4096);

const mmaSettings = z.strictObject({
  width: layerNumber.default(32).describe('channels inside an adapter'),
  firstLayer: layerNumber
    .default(5)
    .describe('first block with an adapter, counted from 1')
    .register(settingMetadata, BLOCK_PLACE),
  lastLayer: layerNumber.default(12).describe('last block with an adapter').register(settingMetadata, BLOCK_PLACE),
  scale: z
    .number()
    .positive()
    .default(0.001)
    .describe("factor of what adapters add; their parameters' gradients are those without it, as in the released code"),
  template: z.string().default('a photo of a {}.').describe("the texts with {} for the class name; empty: the data set's own"),
});

type MmaSettings = z.output<typeof mmaSettings>;

/** x, whose gradient is multiplied by `factor`. */
const scaleGradient = defineOp('scaleGradient', (x: Tensor, _factor: number): Tensor => alias(x));

defineRule(scaleGradient, (_context, x, factor) => ({
  output: alias(x),
  inputs: [x],
  backward: (grad) => [mul(grad, factor)],
}));

type Ends = { readonly down: Linear; readonly up: Linear };
type AdaptedLayer = { readonly layer: number; readonly shared: Linear; readonly text: Ends; readonly image: Ends };

/** The authors' names of the towers. */
const NAMES = { text: 'text_adapter', image: 'visual_adapter' } as const;

class SharedAdapters implements PromptLearner {
  readonly spec: PromptSpec;
  readonly learnable: ReadonlyMap<string, Tensor>;
  private readonly layers: readonly AdaptedLayer[];

  constructor(
    context: CreationContext,
    private readonly settings: MmaSettings,
  ) {
    const { width, firstLayer, lastLayer } = settings;
    const ends = (outer: number): Ends => ({ down: kaiming(outer, width, context), up: kaiming(width, outer, context) });
    const layers: AdaptedLayer[] = [];
    for (let layer = firstLayer - 1; layer < lastLayer; layer += 1) {
      const [text, image] = [ends(context.text.config.width), ends(context.image.config.width)];
      layers.push({ layer, text, image, shared: kaiming(width, width, context) });
    }
    this.layers = layers;
    const namesIn = (tower: (typeof TOWERS)[number], { layer, [tower]: { down, up } }: AdaptedLayer) => {
      const name = `adapter_learner.${NAMES[tower]}.${layer + 1}`;
      return [...named(`${name}.down.0`, down), ...named(`${name}.up`, up)];
    };
    const shared = ({ layer, shared: middle }: AdaptedLayer) => named(`adapter_learner.shared_adapter.${layer + 1}.0`, middle);
    const ofTower = (tower: (typeof TOWERS)[number]) =>
      layers.map((one) => ({ layer: one.layer, sources: [...namesIn(tower, one), ...shared(one)].map(([name]) => name) }));
    this.learnable = new Map([
      ...TOWERS.flatMap((tower) => layers.flatMap((one) => namesIn(tower, one))),
      ...layers.flatMap((one) => shared(one)),
    ]);
    const adapters = { text: ofTower('text'), image: ofTower('image') };
    this.spec = promptSpec('mma', { parameters: shapesOf(this.learnable), adapters });
  }

  prompts(): TowerPrompts {
    return {};
  }

  adapters(): TowerAdapters {
    const ofTower = (tower: (typeof TOWERS)[number]): readonly (BlockAdapter | undefined)[] => {
      const adapters: (BlockAdapter | undefined)[] = Array.from({ length: this.settings.lastLayer }, () => undefined);
      for (const { layer, shared, [tower]: ends } of this.layers)
        adapters[layer] = { parallel: (normed, residual) => this.parallel({ ...ends, shared }, normed, residual) };
      return adapters;
    };
    return { text: ofTower('text'), image: ofTower('image') };
  }

  /** scale * up(relu(shared(relu(down x)))) + residual: the gradient of x is the true one, those of the parameters are divided by scale. */
  private parallel({ down, up, shared }: Ends & { readonly shared: Linear }, x: Tensor, residual: Tensor): Tensor {
    const { scale } = this.settings;
    const of = (tensor: Tensor | undefined): Tensor => scaleGradient(tensor as Tensor, 1 / scale);
    const inner = linear(x, of(down.weight), of(down.bias), { activation: 'relu' });
    const middle = linear(inner, of(shared.weight), of(shared.bias), { activation: 'relu' });
    return linear(middle, mul(of(up.weight), scale), mul(of(up.bias), scale), { residual });
  }
}

/** Kaiming's normal by the outputs, for a rectified linear unit; biases 0. */
function kaiming(inputs: number, outputs: number, { device, random }: CreationContext): Linear {
  const weight = normal([outputs, inputs], Math.sqrt(2 / outputs), { device, random });
  return new Linear(inputs, outputs, { weight, bias: parameter(keep(zeros([outputs], { device }))) });
}

export const mma = defineMethod<MmaSettings>({
  name: 'mma',
  title: 'MMA',
  summary: 'networks beside the upper blocks of both towers, whose middle the towers share',
  settings: mmaSettings,
  training: trainingPreset({ lr: 0.0015, epochs: 5, batchSize: 16, warmupEpochs: 0 }),
  published: [
    {
      protocols: ['base-to-new', 'few-shot'],
      settings: { width: 32, firstLayer: 5, lastLayer: 12, scale: 0.001 },
      training: { lr: 0.0015, epochs: 5, batchSize: 16 },
      source: 'MMA, repository ZjjConan/VLM-MultiModalAdapter',
    },
    {
      protocols: ['base-to-new', 'few-shot', 'cross-dataset', 'domain'],
      data: ['imagenet'],
      settings: { width: 32, firstLayer: 5, lastLayer: 12, scale: 0.001 },
      training: { lr: 0.0015, epochs: 5, batchSize: 128 },
      source: 'MMA, repository ZjjConan/VLM-MultiModalAdapter (ImageNet)',
    },
  ],
  variants: {},
  create(context, settings) {
    const { firstLayer, lastLayer, template } = settings;
    for (const tower of TOWERS) expectDepth('mma', 'lastLayer', lastLayer, tower, context[tower].config.layers);
    if (firstLayer > lastLayer)
      throw new MethodError(
        'mma',
        `firstLayer is ${firstLayer}, and lastLayer ${lastLayer}`,
        'let the last not come before the first',
        { code: 'method.order', values: { firstLayer, lastLayer } },
      );
    const texts = textTemplate(context.tokenizer, template === '' ? undefined : template);
    return new PromptedClip('mma', context, new SharedAdapters(context, settings), texts);
  },
});
