/** Embeddings of prompt ids: frozen rows of the token table with the current context tokens among them. */
import type { TextTower } from '@mudpt/clip';
import { cat, type Device, embedding, keep, type Tensor, tensor } from '@mudpt/tensor';
import { MethodError } from '../../method/errors.ts';
import { contextIndex, type PromptIds } from './prompt-ids.ts';

/** Rows [ids, width] of the token table without positions, kept until it is disposed. */
export function frozenTokens(tower: TextTower, ids: readonly number[]): Tensor {
  return keep(tower.tokens.rows(Int32Array.from(ids)));
}

export class EmbeddedIds {
  /** All rows; or those of tokens that occur, which come after the context tokens in the table that `index` picks from. */
  private readonly frozen: Tensor;
  private readonly index: Tensor | undefined;

  /** @param contexts how many context tokens there are */
  constructor(tower: TextTower, device: Device, ids: PromptIds, contexts: number) {
    if (ids.every((id) => contextIndex(id) === undefined)) {
      this.frozen = frozenTokens(tower, ids);
      return;
    }
    const tokens = [...new Set(ids.filter((id) => contextIndex(id) === undefined))];
    const places = new Map(tokens.map((token, place) => [token, contexts + place]));
    const index = Int32Array.from(ids, (id) => contextIndex(id) ?? (places.get(id) as number));
    this.frozen = frozenTokens(tower, tokens);
    this.index = keep(tensor(index, { device }));
  }

  /** The rows, where none is a context token's: then they are the same in every step. */
  get constant(): Tensor | undefined {
    return this.index ? undefined : this.frozen;
  }

  /** [ids, width]. @param context the context tokens [contexts, width]; undefined where there are none */
  embed(context: Tensor | undefined): Tensor {
    return this.index ? embedding(cat([expectContext(context), this.frozen]), this.index) : this.frozen;
  }

  dispose(): void {
    this.frozen.dispose();
    this.index?.dispose();
  }
}

/** @throws MethodError where texts refer to context tokens and there are none */
export function expectContext(context: Tensor | undefined): Tensor {
  if (context) return context;
  throw new MethodError('prompts', 'the texts have places for context tokens and none are given', 'give the tokens of layer 0');
}
