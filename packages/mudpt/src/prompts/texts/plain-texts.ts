/** Texts side by side, padded to one length: every token of every class is computed. */
import { reshape, scope, type Tensor } from '@mudpt/tensor';
import type { LayerTokens } from '../../method/method.ts';
import type { PromptIds } from './prompt-ids.ts';
import { EmbeddedIds } from './embedded-ids.ts';
import { deepPrompts, type GroupOptions, type TextGroup, type TextRun } from './text-group.ts';

export class PlainTexts implements TextGroup {
  private readonly ids: EmbeddedIds;
  private readonly eot: readonly number[];

  /** @param length of all texts, at least that of the longest; the context where the tower is not causal */
  constructor(
    texts: readonly PromptIds[],
    private readonly length: number,
    private readonly options: GroupOptions,
  ) {
    const { tower, device, contexts } = options;
    this.eot = texts.map((text) => (tower.isCausal ? text.length : length) - 1);
    const padded = texts.flatMap((text) => [...text, ...Array.from({ length: length - text.length }, () => tower.pad)]);
    this.ids = scope(() => new EmbeddedIds(tower, device, padded, contexts));
  }

  forward(tokens: LayerTokens | undefined, run: TextRun): Tensor {
    const { tower } = this.options;
    return scope(() => {
      const embeddings = reshape(this.ids.embed(tokens?.[0]), [this.eot.length, this.length, -1]);
      return tower.forward({ embeddings, eot: this.eot }, { ...run, prompts: deepPrompts(this.options, tokens) });
    });
  }

  dispose(): void {
    this.ids.dispose();
  }
}
