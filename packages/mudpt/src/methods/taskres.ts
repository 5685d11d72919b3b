/**
 * TaskRes: task residual for tuning vision-language models (Yu et al., CVPR 2023; github.com/geekyutao/TaskRes). What is learnt is added to
 * the text features of the classes; neither tower changes.
 */
import { parameter } from '@mudpt/autograd';
import { add, indexSelect, keep, mul, scope, type Tensor, tensor, zeros } from '@mudpt/tensor';
import { isEqual } from '@mudpt/tensor/internal';
import { z } from 'zod';
import { plainMean, templateFeatures } from '../features/ensemble.ts';
import { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
import { defineMethod } from '../method/definition.ts';
import { MethodError } from '../method/errors.ts';
import type { MethodContext, PromptMethod } from '../method/method.ts';
import { promptSpec } from '../method/prompt-spec.ts';
import type { PublishedSettings } from '../method/published.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { LearntPrompts, type PromptLearner } from '../prompts/learner.ts';
import { PromptedClip } from '../prompts/prompted.ts';
import { literalTemplate, type PromptTemplate, textTemplate } from '../prompts/texts/prompt-template.ts';
import { SELECTED_TEMPLATES } from '../prompts/texts/templates.ts';

const taskResSettings = z.strictObject({
  residualWeight: z
    .number()
    .min(0)
    .default(0.5)
    .describe("what the residual is multiplied with before it is added (the paper's alpha)"),
  templates: z
    .array(z.string())
    .default([])
    .describe("texts with {} for the class name whose features are averaged; empty: the data set's own"),
  underscores: z
    .enum(['kept', 'spaces'])
    .default('kept')
    .describe('what the texts make of underscores in class names; the authors keep them'),
});

export type TaskResSettings = z.output<typeof taskResSettings>;

const RESIDUALS = 'prompt_learner.text_feature_residuals';

/** The same residuals for some of the classes that they were learnt for. */
type Rows = { readonly of: readonly string[]; readonly index: Tensor | undefined };

export class TaskRes extends PromptedClip {
  /** Mean over the templates of the frozen text features, not normalised [C, embed]. */
  private readonly base: Tensor;

  /** @param rows undefined: the residuals are those of the context's classes, and this disposes them */
  constructor(
    context: MethodContext,
    learner: PromptLearner,
    private readonly templates: readonly [PromptTemplate, ...PromptTemplate[]],
    private readonly residualWeight: number,
    private readonly rows?: Rows,
  ) {
    super('taskres', context, learner, templates[0], { owns: rows === undefined });
    try {
      using features = templateFeatures(context, templates);
      this.base = keep(plainMean(features));
    } catch (error) {
      super.dispose();
      throw error;
    }
  }

  /**
   * For all or some of the classes: others have no residual. Their base is that of the `templates`, and without any that of the other data set's template; the released
   * code takes the rows of the saved base, which are the same for the sets that it evaluates on others (ImageNet and its variants).
   */
  override forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, TaskRes);
    const of = this.rows?.of ?? this.classNames;
    const index = isEqual(of, other.classNames) ? undefined : this.indexOf(of, other.classNames);
    return new TaskRes(this.contextFor(other), this.learner, this.templates, this.residualWeight, { of, index });
  }

  override dispose(): void {
    super.dispose();
    this.base.dispose();
    this.rows?.index?.dispose();
  }

  protected override classFeatures(): Tensor {
    return scope(() => {
      const residuals = this.learnable.get(RESIDUALS) as Tensor;
      const index = this.rows?.index;
      return add(this.base, mul(index ? indexSelect(residuals, 0, index) : residuals, this.residualWeight));
    });
  }

  private indexOf(trained: readonly string[], asked: readonly string[]): Tensor {
    const places = asked.map((name) => {
      const place = trained.indexOf(name);
      if (place >= 0 && place === trained.lastIndexOf(name)) return place;
      throw new MethodError(
        this.name,
        `it learnt a residual for each of its ${trained.length} classes, and ${place < 0 ? 'none' : 'more than one'} for "${name}", so it cannot classify others`,
        'evaluate it on the classes it was trained on, or some of them, or use a method whose prompts serve any class',
      );
    });
    return keep(tensor(Int32Array.from(places), { device: this.context.device }));
  }
}

const IMAGENET_TEMPLATES = [...SELECTED_TEMPLATES, 'a photo of a {}.'];

/** ImageNet has its own templates and rate, the flowers their own weight. */
function fewShot(shots: readonly number[], epochs: number): PublishedSettings[] {
  const common = {
    protocols: ['few-shot'],
    shots,
    source: 'TaskRes, README.md and configs/trainers/TaskRes of its repository',
  } as const;
  const settings = { residualWeight: 0.5, templates: [], underscores: 'kept' };
  const training = { ...TRAINING, epochs };
  return [
    { ...common, settings, training },
    { ...common, data: ['oxford_flowers'], settings: { ...settings, residualWeight: 1 }, training },
    {
      ...common,
      protocols: ['few-shot', 'domain'],
      data: ['imagenet'],
      settings: { ...settings, templates: IMAGENET_TEMPLATES },
      training: { ...training, lr: 2e-4 },
    },
  ];
}

const TRAINING = { optimizer: 'adam', lr: 2e-3, epochs: 200, batchSize: 256, weightDecay: 5e-4 } as const;

export const taskRes = defineMethod<TaskResSettings>({
  name: 'taskres',
  title: 'TaskRes',
  summary: 'a residual on the text feature of every class',
  settings: taskResSettings,
  training: trainingPreset(TRAINING),
  published: [...fewShot([1, 2, 4], 100), ...fewShot([8, 16], 200)],
  // What is published by shots is ResNet-50's; the configurations of all other backbones have these in common.
  variants: { 'other-backbones': { training: { lr: 2e-4, epochs: 200 } } },
  create(context, { residualWeight, templates, underscores }) {
    const { classNames, device, embed, tokenizer } = context;
    const written = underscores === 'kept' ? literalTemplate : textTemplate;
    const [first, ...rest] = templates;
    const texts = [written(tokenizer, first), ...rest.map((template) => written(tokenizer, template))] as const;
    const shape = [classNames.length, embed];
    const spec = promptSpec('taskres', { parameters: { [RESIDUALS]: shape }, features: { text: [RESIDUALS] } });
    const residuals = parameter(keep(zeros(shape, { device })));
    return new TaskRes(context, new LearntPrompts(spec, new Map([[RESIDUALS, residuals]])), texts, residualWeight);
  },
});
