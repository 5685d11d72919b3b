/** Prompted CLIP, the base of methods with prompt tokens in the towers: forward, loss, evaluation, other classes. */
import { chunked, noGrad } from '@mudpt/autograd';
import type { PromptTokens, Recompute } from '@mudpt/clip';
import { alias, crossEntropy, keep, scope, split, type Tensor } from '@mudpt/tensor';
import { type ClassContext, expectNoSubclass, expectSameClasses } from '../method/class-context.ts';
import { type Rematerialization, KEEP_ALL } from '../method/rematerialization.ts';
import { MethodError } from '../method/errors.ts';
import type { LayerTokens, MethodContext, Outputs, PromptMethod, StepLoss, TowerPrompts } from '../method/method.ts';
import type { PromptSpec } from '../method/prompt-spec.ts';
import { cosineLogits } from './cosine.ts';
import { type AdapterUse, asParameters, type PromptLearner } from './learner.ts';
import { drawnText, expectFits, type PromptIds, promptIds } from './texts/prompt-ids.ts';
import type { PromptTemplate } from './texts/prompt-template.ts';
import { TextPrompts } from './texts/text-prompts.ts';

/** Whose the learnt tensors are. */
export type Ownership = {
  /** Whether disposing the method, or an error while it is made, disposes them. Default true; one made `forContext` has those of another. */
  readonly owns?: boolean;
};

/** Prompt learning with cross-entropy on the cosines of both towers' features. */
export class PromptedClip implements PromptMethod {
  readonly kind = 'prompts';
  readonly state: ReadonlyMap<string, Tensor> = new Map();
  readonly spec: PromptSpec;
  readonly example: string;
  readonly textsPerImage: number = 0;
  protected readonly texts: TextPrompts;
  /** Features of texts in which nothing is learnt. */
  private readonly fixed: Tensor | undefined;
  private rematerialization: Rematerialization;
  private readonly owns: boolean;

  /**
   * @param template of the texts; where the spec has context tokens, they take the places of the first tokens after the start
   * @throws MethodError for a text that does not fit, and where the learnt tensors differ from the spec
   */
  constructor(
    readonly name: string,
    protected readonly context: MethodContext,
    protected readonly learner: PromptLearner,
    protected readonly template: PromptTemplate,
    { owns = true }: Ownership = {},
  ) {
    this.owns = owns;
    const { device, text, classNames, tokenizer, textPath = 'auto', rematerialization = KEEP_ALL } = context;
    const { spec, learnable } = learner;
    this.spec = spec;
    this.rematerialization = rematerialization;
    try {
      if (classNames.length === 0) throw new MethodError(name, 'there are no classes', 'give at least one class name');
      if (owns) asParameters(name, learner);
      const texts = template(context).map((tokens, label) => promptIds(tokens, label, spec.text, text));
      expectFits(texts, text.config.context, classNames);
      const isAdapted = spec.adapters?.text !== undefined;
      const options = { device, path: textPath, rematerialization: rematerialization.text, isAdapted };
      this.texts = new TextPrompts(text, texts, spec.text, options);
      this.fixed = spec.text || isAdapted ? undefined : keep(noGrad(() => this.texts.forward(undefined)));
      this.example = drawnText(texts[0] as PromptIds, tokenizer, text);
    } catch (error) {
      if (owns) for (const tensor of learnable.values()) tensor.dispose();
      throw error;
    }
  }

  get classNames(): readonly string[] {
    return this.context.classNames;
  }

  get learnable(): ReadonlyMap<string, Tensor> {
    return this.learner.learnable;
  }

  prompts(): TowerPrompts | undefined {
    return this.learner.prompts();
  }

  forward(images: Tensor): Outputs {
    return this.outputsFor(images, 'apply');
  }

  loss(images: Tensor, labels: Tensor): StepLoss {
    return scope(() => {
      const outputs = this.forward(images);
      const loss = crossEntropy(outputs.logits, labels);
      return { loss, outputs, terms: { crossEntropy: loss } };
    });
  }

  textFeatures(): Tensor | undefined {
    return scope(() => this.classFeatures(this.promptsOfAll(), 'serve'));
  }

  evaluate(images: Tensor, textFeatures?: Tensor): Tensor {
    return scope(() => this.evaluateWithFeatures(images, textFeatures).logits);
  }

  /** A subclass that overrides {@link evaluate} overrides this too. */
  evaluateWithFeatures(images: Tensor, textFeatures?: Tensor): Pick<Outputs, 'logits' | 'imageFeatures'> {
    return scope(() => {
      const prompts = this.promptsOfAll();
      const features = textFeatures ?? this.classFeatures(prompts, 'serve');
      const { logits, imageFeatures } = this.outputs(this.imageFeatures(images, prompts, 'serve'), features);
      return { logits, imageFeatures };
    });
  }

  rematerialize(rematerialization: Rematerialization): void {
    this.rematerialization = rematerialization;
    this.texts.rematerialize(rematerialization.text);
  }

  /** Makes a plain instance: a subclass overrides this, and makes one of its own class with {@link contextFor}. */
  forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, PromptedClip);
    return new PromptedClip(this.name, this.contextFor(other), this.learner, this.template, { owns: false });
  }

  dispose(): void {
    this.texts.dispose();
    this.fixed?.dispose();
    if (this.owns) for (const tensor of this.learnable.values()) tensor.dispose();
  }

  /** @throws MethodError when the learnt tensors are specific to their classes */
  protected contextFor({ classNames, template, descriptions, isElsewhere }: ClassContext): MethodContext {
    const classes = this.spec.text?.classes;
    if (classes !== undefined) {
      const why = `every one of the ${classes} classes has a context of its own (classSpecific)`;
      expectSameClasses(this.name, this.classNames, { classNames, template }, why);
    }
    const { rematerialization, context } = this;
    const learntOn = context.learntOn ?? context.classNames;
    return { ...context, classNames, template, descriptions, isElsewhere, rematerialization, learntOn };
  }

  protected outputsFor(images: Tensor, use: AdapterUse): Outputs {
    return scope(() => {
      const prompts = this.promptsOfAll();
      return this.outputs(this.imageFeatures(images, prompts, use), this.classFeatures(prompts, use));
    });
  }

  protected outputs(imageFeatures: Tensor, textFeatures: Tensor): Outputs {
    return { logits: cosineLogits(imageFeatures, textFeatures, this.context.scale), imageFeatures, textFeatures };
  }

  protected imageFeatures(images: Tensor, { image: tokens }: TowerPrompts, use: AdapterUse = 'apply'): Tensor {
    const { recompute } = this.rematerialization.image;
    const { image } = this.context;
    const adapters = this.learner.adapters?.(use).image;
    return this.inMicroBatches(
      images,
      (part, layers: LayerTokens | undefined) => {
        if (!layers && !adapters) return image.forward(part);
        const prompts = layers && { at: this.imagePlace(), layers };
        return image.forward(part, { prompts, recompute, adapters });
      },
      tokens,
    );
  }

  /** Runs the image tower in as many micro-batches as its rematerialization says. @param tokens prompt tokens that each of them gets with its images */
  protected inMicroBatches(
    images: Tensor,
    run: (part: Tensor, tokens: LayerTokens | undefined) => Tensor,
    tokens?: LayerTokens,
  ): Tensor {
    const { microBatches } = this.rematerialization.image;
    const [count = 0] = images.shape;
    if (microBatches === 0) return run(images, tokens);
    const size = Math.ceil(count / microBatches);
    return scope(() => {
      const parts = split(images, size);
      const before = parts.map((_, part) => ({ rows: part * size, sequences: part * size }));
      return chunked(
        run,
        parts.map((part) => [part, tokens] as const),
        0,
        before,
      );
    });
  }

  protected classFeatures({ text }: TowerPrompts, use: AdapterUse = 'apply'): Tensor {
    return this.fixed ? alias(this.fixed) : this.texts.forward(text, this.learner.adapters?.(use).text);
  }

  protected get recomputesImages(): Recompute {
    return this.rematerialization.image.recompute;
  }

  private imagePlace(): PromptTokens['at'] {
    const { image } = this.spec;
    if (image) return image.at;
    throw new MethodError(this.name, 'it gives the image tower prompts that its spec does not declare', 'declare them');
  }

  private promptsOfAll(): TowerPrompts {
    const prompts = this.learner.prompts();
    if (prompts) return prompts;
    throw new MethodError(this.name, 'its prompts depend on the image', 'override forward, textFeatures and evaluate');
  }
}
