/** Prompts of both towers side by side, without a coupling: what IVLP, PromptSRC, VPT and deep language prompting learn. */
import type { Tensor } from '@mudpt/tensor';
import { randomPrompts } from './initial.ts';
import type { CreationContext, PromptPlace, TowerPrompts } from '../method/method.ts';
import type { Learner } from './prompted.ts';
import type { LayerRows } from './text-prompts.ts';

type Named = readonly (readonly [string, Tensor])[];

export type IndependentOptions = {
  /** The first text prompts [n, width] (taken over) and the layers that take prompts; undefined: fixed texts. */
  readonly text: { readonly first: Tensor; readonly depth: number } | undefined;
  readonly image: { readonly length: number; readonly depth: number } | undefined;
};

/** Names as in MaPLe's and PromptSRC's state dicts. */
export class IndependentLearner implements Learner {
  readonly learnable: ReadonlyMap<string, Tensor>;
  readonly places: Learner['places'];
  private readonly text: Named;
  private readonly image: Named;

  constructor(context: Pick<CreationContext, 'device' | 'text' | 'image' | 'random'>, { text, image }: IndependentOptions) {
    const draw = (rows: number, width: number): Tensor => randomPrompts([rows, width], context, context.random);
    const deeper = (tower: string, depth: number, rows: number, width: number): Named =>
      Array.from({ length: depth - 1 }, (_, index) => [
        `${tower}.transformer.resblocks.${index + 1}.VPT_shallow`,
        draw(rows, width),
      ]);
    const width = image ? context.image.config.width : 0;
    this.image = image
      ? [['image_encoder.VPT', draw(image.length, width)], ...deeper('image_encoder', image.depth, image.length, width)]
      : [];
    const [rows = 0, textWidth = 0] = text?.first.shape ?? [];
    this.text = text ? [['prompt_learner.ctx', text.first], ...deeper('text_encoder', text.depth, rows, textWidth)] : [];
    this.learnable = new Map([...this.text, ...this.image]);
    this.places = { text: placesOf(this.text), image: placesOf(this.image) };
  }

  prompts(): TowerPrompts {
    const [text, image] = [layersIn(this.text), layersIn(this.image)];
    return { ...(text && { text }), ...(image && { image }) };
  }
}

function layersIn(prompts: Named): LayerRows | undefined {
  const [first, ...deep] = prompts.map(([, tensor]) => tensor);
  return first && { first, deep };
}

function placesOf(prompts: Named): PromptPlace[] {
  return prompts.map(([name, tensor], layer) => ({ layer, rows: tensor.shape[0] ?? 0, sources: [name] }));
}
