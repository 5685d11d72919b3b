/**
 * PromptKD: unsupervised prompt distillation for vision-language models (Li et al., CVPR 2024; github.com/zhengli97/PromptKD), the training of the student. A larger
 * CLIP with prompts, the teacher, gives class vectors and its logits of unlabelled images; image prompts and a projector into the teacher's space learn to give the
 * same logits with the same class vectors. The labels of the images are not read, so that all images of all classes may be trained on.
 *
 * The released code draws nothing else of the student's texts, and neither is anything learnt of them here. Its fixed widths and half precision are not copied.
 */
import { BatchNorm1d, Linear, noGrad } from '@mudpt/autograd';
import { alias, keep, klDiv, linear, mul, relu, scope, type Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import { type ClassContext, classContext, expectNoSubclass } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import type { CreationContext, MethodContext, PromptMethod, StepLoss, Teacher, TowerPrompts } from '../method/method.ts';
import { promptSpec, type PromptSpec } from '../method/prompt-spec.ts';
import type { PublishedSettings } from '../method/published.ts';
import { depth, expectDepth, length } from '../method/settings.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { independentPrompts } from '../prompts/independent.ts';
import { named } from '../prompts/injection/parts.ts';
import { type AdapterUse, type PromptLearner, shapesOf } from '../prompts/learner.ts';
import { type Ownership, PromptedClip } from '../prompts/prompted.ts';
import { type PromptTemplate, textTemplate } from '../prompts/texts/prompt-template.ts';

const promptkdSettings = z.strictObject({
  teacher: z
    .string()
    .default('')
    .describe(
      'folder of a finished run, whose prompts on its model teach; or a model as --model takes it, which teaches as it is',
    ),
  length: length(4),
  depth: depth(9),
  temperature: z.number().min(0.01).max(1000).default(1).describe('both logits are divided by it'),
  weight: z.number().positive().default(1000).describe('of the divergence, which is averaged over images and classes'),
});

export type PromptkdSettings = z.output<typeof promptkdSettings>;

const NAME = 'VPT_image_trans.conv1';

/** Image prompts, and two linear layers with batch norm and ReLU between them: from the student's features to the teacher's. */
class Student implements PromptLearner {
  readonly spec: PromptSpec;
  readonly learnable: ReadonlyMap<string, Tensor>;
  private readonly prompted: PromptLearner;
  private readonly first: Linear;
  private readonly norm: BatchNorm1d;
  private readonly second: Linear;

  constructor(
    context: CreationContext,
    embed: number,
    readonly settings: PromptkdSettings,
  ) {
    const { device, random } = context;
    this.prompted = independentPrompts('promptkd', context, { image: settings });
    this.first = new Linear(context.embed, embed, { device, random });
    this.norm = new BatchNorm1d(embed, { device });
    this.second = new Linear(embed, embed, { device, random });
    const { weight, bias, runningMean, runningVariance } = this.norm;
    const statistics = [`${NAME}.1.running_mean`, `${NAME}.1.running_var`] as const;
    const projector = new Map<string, Tensor>([
      ...named(`${NAME}.0`, this.first),
      ...named(`${NAME}.1`, { weight: weight as Tensor, bias }),
      [statistics[0], runningMean],
      [statistics[1], runningVariance],
      ...named(`${NAME}.3`, this.second),
    ]);
    this.learnable = new Map([...this.prompted.learnable, ...projector]);
    const { image } = this.prompted.spec;
    this.spec = promptSpec('promptkd', {
      parameters: shapesOf(this.learnable),
      ...(image && { image }),
      features: { image: [...projector.keys()] },
      statistics,
    });
  }

  prompts(): TowerPrompts | undefined {
    return this.prompted.prompts();
  }

  /** Features [B, embed] of the student in the teacher's space. @param learns whether the batch's statistics are used, and go into the running ones */
  projected(features: Tensor, learns: boolean): Tensor {
    this.norm.train(learns);
    return scope(() => {
      const hidden = relu(this.norm.forward(linear(features, this.first.weight, this.first.bias)));
      return linear(hidden, this.second.weight, this.second.bias);
    });
  }
}

/** The student of PromptKD. */
export class Promptkd extends PromptedClip {
  readonly remarks: readonly string[];
  /** The teacher for these classes. */
  private readonly taught: PromptMethod;
  /** Its text features [C, teacher's embed]: the class vectors of both, computed once. */
  private readonly vectors: Tensor;
  /** Not made for other classes by another: it learns, and the teacher is its own. */
  private readonly isFirst: boolean;

  constructor(
    context: MethodContext,
    protected override readonly learner: Student,
    template: PromptTemplate,
    private readonly teacher: Teacher,
    { owns = true }: Ownership = {},
  ) {
    super('promptkd', context, learner, template, { owns });
    this.isFirst = owns;
    this.remarks = [`it learns from ${teacher.name}, which takes ${Math.ceil(teacher.bytes / 2 ** 20)} MiB of device memory`];
    this.taught = teacher.method.forContext(classContext(context));
    const vectors = noGrad(() => this.taught.textFeatures());
    if (vectors) {
      this.vectors = keep(vectors);
      return;
    }
    this.dispose();
    throw new MethodError(
      'promptkd',
      `the texts of ${teacher.name} depend on the image, and there are no class vectors`,
      'choose another teacher',
    );
  }

  /** The one term is the weighted divergence from the teacher's predictions. `labels` are not read. */
  override loss(images: Tensor): StepLoss {
    if (!this.isFirst)
      throw new MethodError(
        this.name,
        'it was made to judge other classes',
        'create the method for these classes to train it on them',
      );
    if (images.shape[0] === 1)
      throw new MethodError(
        this.name,
        'a batch of one image has no statistics to normalise by',
        'use batches of at least two images',
      );
    return scope(() => {
      const { temperature, weight } = this.learner.settings;
      const outputs = this.outputsFor(images, 'learn');
      const ofTeacher = noGrad(() => this.inMicroBatches(images, (part) => this.taught.evaluate(part, this.vectors)));
      const divergence = klDiv(mul(outputs.logits, 1 / temperature), mul(ofTeacher, 1 / temperature));
      const loss = mul(divergence, weight * temperature ** 2);
      return { loss, outputs, terms: { divergence: loss } };
    });
  }

  override forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, Promptkd);
    return new Promptkd(this.contextFor(other), this.learner, this.template, this.teacher, { owns: false });
  }

  override dispose(): void {
    super.dispose();
    this.vectors?.dispose();
    this.taught?.dispose();
    if (this.isFirst) this.teacher.dispose();
  }

  protected override imageFeatures(images: Tensor, prompts: TowerPrompts, use: AdapterUse = 'apply'): Tensor {
    return scope(() => this.learner.projected(super.imageFeatures(images, prompts, use), use === 'learn'));
  }

  protected override classFeatures(): Tensor {
    return alias(this.vectors);
  }
}

const TRAINING = { lr: 0.005, epochs: 20, batchSize: 8 } as const;

/** The teacher is one's choice: ViT-L/14 that PromptSRC was trained on. */
function recipe(protocols: PublishedSettings['protocols'], layers: number, weight: number, config: string): PublishedSettings {
  return {
    protocols,
    settings: { length: 4, depth: layers, temperature: 1, weight },
    training: TRAINING,
    source: `PromptKD, ${config}`,
  };
}

const BASE_TO_NEW = 'scripts/promptkd/base2new_train.sh and vit_b16_c2_ep20_batch8_4+4ctx.yaml';

export const promptkd = defineMethod<PromptkdSettings>({
  name: 'promptkd',
  title: 'PromptKD',
  summary: 'image prompts and a projector that learn from the predictions of a larger model, without labels',
  settings: promptkdSettings,
  training: trainingPreset(TRAINING),
  needsTeacher: true,
  readsLabels: false,
  published: [
    recipe(['base-to-new'], 9, 1000, BASE_TO_NEW),
    { ...recipe(['base-to-new'], 9, 200, BASE_TO_NEW), data: ['fgvc_aircraft', 'oxford_flowers'] },
    recipe(
      ['cross-dataset', 'domain'],
      3,
      1000,
      'scripts/promptkd/xd_train.sh and vit_b16_c2_ep20_batch8_4+4ctx_cross_datasets.yaml',
    ),
  ],
  variants: {},
  create(context, settings) {
    const { teacher } = context;
    if (!teacher)
      throw new MethodError('promptkd', 'it has no teacher', 'name a finished run, or a model: --set teacher=runs/FOLDER');
    expectDepth('promptkd', 'depth', settings.depth, 'image', context.image.config.layers);
    return new Promptkd(context, new Student(context, teacher.embed, settings), textTemplate(context.tokenizer), teacher);
  },
});
