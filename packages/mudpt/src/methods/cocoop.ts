/**
 * CoCoOp: conditional prompt learning (Zhou et al., CVPR 2022; github.com/KaiyangZhou/CoOp). A small network turns each image's feature into a
 * shift of the context, so the texts run once per image.
 */
import { Linear, parameter } from '@mudpt/autograd';
import { add, crossEntropy, l2Normalize, matmul, narrow, reshape, scope, stack, type Tensor } from '@mudpt/tensor';
import { z } from 'zod';
import { type ClassContext, expectNoSubclass } from '../method/class-context.ts';
import { coopStart } from './coop.ts';
import { defineMethod } from '../method/definition.ts';
import { type Rematerialization, KEEP_ALL } from '../method/rematerialization.ts';
import { MethodError } from '../method/errors.ts';
import { named } from '../prompts/injection/parts.ts';
import type { MethodContext, Outputs, PromptLayout, PromptMethod, StepLoss } from '../method/method.ts';
import { trainingPreset } from '../method/training-settings.ts';
import { drawn } from '../prompts/prompted.ts';
import { initWords, length } from '../method/settings.ts';
import { TextPrompts } from '../prompts/text-prompts.ts';
import { expectFits, prefixWriter, type Writer } from '../prompts/tokens.ts';
import { leadingContext } from '../prompts/wording.ts';

const cocoopSettings = z.strictObject({
  length: length(4),
  initWords: initWords().describe('words the context begins with: they decide its length; empty: random numbers'),
  reduction: z.int().positive().default(16).describe('the network between has embed / reduction channels'),
});

/** ctx [M, width]; linear1 and linear2 of the network on the normalised image feature. */
export type CocoopParts = { readonly ctx: Tensor; readonly linear1: Linear; readonly linear2: Linear };

export class Cocoop implements PromptMethod {
  readonly kind = 'prompts';
  readonly name = 'cocoop';
  readonly learnable: ReadonlyMap<string, Tensor>;
  readonly state: ReadonlyMap<string, Tensor> = new Map();
  readonly layout: PromptLayout;
  private readonly texts: TextPrompts;
  private rematerialization: Rematerialization;

  constructor(
    private readonly context: MethodContext,
    private readonly parts: CocoopParts,
    private readonly write: Writer,
    private readonly owns = true,
  ) {
    const { device, text, classNames, textPath = 'auto', rematerialization = KEEP_ALL } = context;
    this.rematerialization = rematerialization;
    const count = parts.ctx.shape[0] ?? 0;
    this.learnable = new Map([
      ['prompt_learner.ctx', parts.ctx],
      ...named('prompt_learner.meta_net.linear1', parts.linear1),
      ...named('prompt_learner.meta_net.linear2', parts.linear2),
    ]);
    try {
      if (classNames.length === 0) throw new MethodError('cocoop', 'there are no classes', 'give at least one class name');
      if (owns) for (const [name, tensor] of this.learnable) parameter(tensor, { name });
      const wording = leadingContext(write, count, 1);
      const slots = write(context).map((tokens, label) => wording.place(tokens, label));
      expectFits(slots, text.config.context, classNames);
      const options = { device, path: textPath, replaced: 0, rematerialization: rematerialization.text };
      this.texts = new TextPrompts(text, slots, count, options);
      const sources = [...this.learnable.keys()];
      this.layout = { text: [{ layer: 0, rows: count, sources }], image: [], example: drawn(slots[0] ?? [], context) };
    } catch (error) {
      if (owns) for (const tensor of this.learnable.values()) tensor.dispose();
      throw error;
    }
  }

  get classNames(): readonly string[] {
    return this.context.classNames;
  }

  get textsPerImage(): number {
    return this.classNames.length;
  }

  /** They depend on the image. */
  prompts(): undefined {
    return undefined;
  }

  /** Texts run one image after the other: within an image all classes share their beginning. */
  forward(images: Tensor): Outputs {
    return scope(() => {
      const imageFeatures = this.context.image.forward(images);
      const normed = l2Normalize(imageFeatures);
      const shifts = this.parts.linear2.forward(this.parts.linear1.forward(normed, { activation: 'relu' }));
      const [batch = 0] = images.shape;
      const perImage = Array.from({ length: batch }, (_, index) => {
        const first = add(this.parts.ctx, narrow(shifts, 0, index, 1));
        return this.texts.forward({ first, deep: [] });
      });
      const textFeatures = stack(perImage);
      const [classes = 0, embed = 0] = textFeatures.shape.slice(1);
      const cosines = matmul(reshape(normed, [batch, 1, embed]), l2Normalize(textFeatures), {
        transposeB: true,
        alpha: this.context.scale,
      });
      return { logits: reshape(cosines, [batch, classes]), imageFeatures, textFeatures };
    });
  }

  loss(images: Tensor, labels: Tensor): StepLoss {
    return scope(() => {
      const outputs = this.forward(images);
      const loss = crossEntropy(outputs.logits, labels);
      return { loss, outputs, terms: { crossEntropy: loss } };
    });
  }

  /** The texts depend on the image. */
  textFeatures(): undefined {
    return undefined;
  }

  evaluate(images: Tensor): Tensor {
    return scope(() => this.forward(images).logits);
  }

  /** Images have no gradient: nothing of them is kept. */
  rematerialize(rematerialization: Rematerialization): void {
    this.rematerialization = rematerialization;
    this.texts.rematerialize(rematerialization.text);
  }

  forContext({ classNames, template }: ClassContext): PromptMethod {
    expectNoSubclass(this, Cocoop);
    return new Cocoop(
      { ...this.context, classNames, template, rematerialization: this.rematerialization },
      this.parts,
      this.write,
      false,
    );
  }

  dispose(): void {
    this.texts.dispose();
    if (this.owns) for (const tensor of this.learnable.values()) tensor.dispose();
  }
}

export const cocoop = defineMethod<z.output<typeof cocoopSettings>>({
  name: 'cocoop',
  title: 'CoCoOp',
  summary: 'context rows in the texts, shifted by what a small network sees in each image',
  settings: cocoopSettings,
  training: trainingPreset({ lr: 0.002, epochs: 10, batchSize: 1 }),
  variants: {},
  create(context, settings) {
    const { rows: ctx, prefix } = coopStart(context, { ...settings, classSpecific: false });
    const { device, embed, text, random } = context;
    const options = { device, random };
    const hidden = Math.max(1, Math.floor(embed / settings.reduction));
    const linear1 = new Linear(embed, hidden, options);
    const linear2 = new Linear(hidden, text.config.width, options);
    return new Cocoop(context, { ctx, linear1, linear2 }, prefixWriter(context.tokenizer, prefix));
  },
});
