/** What the methods that put learnt rows into the towers have in common: forward, loss, evaluation, other classes. */
import { chunked, noGrad, parameter } from '@mudpt/autograd';
import { alias, crossEntropy, keep, l2Normalize, matmul, scope, split, type Tensor } from '@mudpt/tensor';
import { type ClassContext, expectNoSubclass, expectSameClasses } from '../method/class-context.ts';
import { type Rematerialization, KEEP_ALL } from '../method/rematerialization.ts';
import { MethodError } from '../method/errors.ts';
import type { MethodContext, Outputs, PromptLayout, PromptMethod, StepLoss, TowerPrompts } from '../method/method.ts';
import { type LayerRows, TextPrompts } from './text-prompts.ts';
import { expectFits, learntRow, type SlotRow } from './tokens.ts';
import type { Wording } from './wording.ts';

/** What is learnt and how it becomes rows: a method's own part. */
export interface Learner {
  /** By the authors' names. */
  readonly learnable: ReadonlyMap<string, Tensor>;
  /** Called once in a forward, in its scope. */
  prompts(): TowerPrompts;
  readonly places: Pick<PromptLayout, 'text' | 'image'>;
}

/** Cosines times `scale`: image features [B, e] and text features [C, e], not normalised, give [B, C]. */
export function cosineLogits(image: Tensor, text: Tensor, scale: number): Tensor {
  using own = l2Normalize(image);
  using classes = l2Normalize(text);
  return matmul(own, classes, { transposeB: true, alpha: scale });
}

/** Prompt learning with cross-entropy on the cosines of both towers' features. */
export class PromptedClip implements PromptMethod {
  readonly kind = 'prompts';
  readonly state: ReadonlyMap<string, Tensor> = new Map();
  readonly layout: PromptLayout;
  readonly textsPerImage: number = 0;
  protected readonly texts: TextPrompts;
  /** Features of texts in which nothing is learnt. */
  private readonly fixed: Tensor | undefined;
  private rematerialization: Rematerialization;

  /**
   * @param owns whether disposing this, or an error here, disposes what is learnt
   * @throws MethodError for a text that does not fit
   */
  constructor(
    readonly name: string,
    protected readonly context: MethodContext,
    protected readonly learner: Learner,
    protected readonly wording: Wording,
    private readonly owns = true,
  ) {
    const { device, text, classNames, textPath = 'auto', rematerialization = KEEP_ALL } = context;
    this.rematerialization = rematerialization;
    try {
      if (classNames.length === 0) throw new MethodError(name, 'there are no classes', 'give at least one class name');
      if (owns) for (const [path, tensor] of learner.learnable) parameter(tensor, { name: path });
      const slots = wording.write(context).map((tokens, label) => wording.place(tokens, label));
      expectFits(slots, text.config.context, classNames);
      const options = { device, path: textPath, replaced: wording.replaced, rematerialization: rematerialization.text };
      this.texts = new TextPrompts(text, slots, wording.learnt, options);
      this.fixed = wording.learnt === 0 && wording.replaced === 0 ? keep(noGrad(() => this.texts.forward(undefined))) : undefined;
      this.layout = { ...learner.places, example: drawn(slots[0] ?? [], context) };
    } catch (error) {
      if (owns) for (const tensor of learner.learnable.values()) tensor.dispose();
      throw error;
    }
  }

  get classNames(): readonly string[] {
    return this.context.classNames;
  }

  get learnable(): ReadonlyMap<string, Tensor> {
    return this.learner.learnable;
  }

  prompts(): TowerPrompts {
    return this.learner.prompts();
  }

  forward(images: Tensor): Outputs {
    return scope(() => {
      const prompts = this.learner.prompts();
      return this.outputs(this.imageFeatures(images, prompts), this.classFeatures(prompts));
    });
  }

  loss(images: Tensor, labels: Tensor): StepLoss {
    return scope(() => {
      const outputs = this.forward(images);
      const loss = crossEntropy(outputs.logits, labels);
      return { loss, outputs, terms: { crossEntropy: loss } };
    });
  }

  textFeatures(): Tensor | undefined {
    return scope(() => this.classFeatures(this.learner.prompts()));
  }

  evaluate(images: Tensor, textFeatures?: Tensor): Tensor {
    return scope(() => {
      const prompts = this.learner.prompts();
      return this.outputs(this.imageFeatures(images, prompts), textFeatures ?? this.classFeatures(prompts)).logits;
    });
  }

  rematerialize(rematerialization: Rematerialization): void {
    this.rematerialization = rematerialization;
    this.texts.rematerialize(rematerialization.text);
  }

  /** A subclass overrides this, and makes one of its own class with {@link contextFor}. */
  forContext(other: ClassContext): PromptMethod {
    expectNoSubclass(this, PromptedClip);
    return new PromptedClip(this.name, this.contextFor(other), this.learner, this.wording, false);
  }

  dispose(): void {
    this.texts.dispose();
    this.fixed?.dispose();
    if (this.owns) for (const tensor of this.learnable.values()) tensor.dispose();
  }

  /** @throws MethodError when what is learnt belongs to the classes it was learnt with */
  protected contextFor({ classNames, template }: ClassContext): MethodContext {
    const { bound } = this.wording;
    if (bound !== undefined) expectSameClasses(this.name, this.classNames, { classNames, template }, bound);
    return { ...this.context, classNames, template, rematerialization: this.rematerialization };
  }

  protected outputs(imageFeatures: Tensor, textFeatures: Tensor): Outputs {
    return { logits: cosineLogits(imageFeatures, textFeatures, this.context.scale), imageFeatures, textFeatures };
  }

  protected imageFeatures(images: Tensor, { image: prompts }: TowerPrompts): Tensor {
    const { recompute } = this.rematerialization.image;
    return this.inParts(
      images,
      (part, rows: LayerRows | undefined) =>
        rows
          ? this.context.image.forward(part, { prompts: { at: 'end', layers: [rows.first, ...rows.deep] }, recompute })
          : this.context.image.forward(part),
      prompts,
    );
  }

  /** Runs the image tower in as many micro-batches as its rematerialization says. @param rows what a part reads beside its images */
  protected inParts(images: Tensor, run: (part: Tensor, rows: LayerRows | undefined) => Tensor, rows?: LayerRows): Tensor {
    const { microBatches } = this.rematerialization.image;
    const [count = 0] = images.shape;
    if (microBatches === 0) return run(images, rows);
    return scope(() =>
      chunked(
        run,
        split(images, Math.ceil(count / microBatches)).map((part) => [part, rows] as const),
      ),
    );
  }

  protected classFeatures({ text }: TowerPrompts): Tensor {
    return this.fixed ? alias(this.fixed) : this.texts.forward(text);
  }
}

/** The text between start and end, a learnt row as `[v]`. */
export function drawn(slots: SlotRow, { tokenizer }: Pick<MethodContext, 'tokenizer'>): string {
  const inside = slots.slice(1, -1);
  return inside.map((slot) => (learntRow(slot) === undefined ? tokenizer.decode([slot]).trim() : '[v]')).join(' ');
}
