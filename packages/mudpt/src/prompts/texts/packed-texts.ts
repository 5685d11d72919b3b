/**
 * Packed texts: the prefix that all of them share is computed once, the rest without padding, one text after the other. Exact under the causal
 * mask.
 */
import type { BlockHook, PromptTokens } from '@mudpt/clip';
import { noGrad } from '@mudpt/autograd';
import {
  cat,
  keep,
  narrow,
  packedSequences,
  type PackedSequences,
  reshape,
  scope,
  select,
  stack,
  type Tensor,
  unbind,
} from '@mudpt/tensor';
import type { LayerTokens } from '../../method/method.ts';
import { contextId, contextIndex, type PromptIds } from './prompt-ids.ts';
import { EmbeddedIds, expectContext, frozenTokens } from './embedded-ids.ts';
import { deepPrompts, type GroupOptions, type TextGroup, type TextRun } from './text-group.ts';

/** A piece of the prefix: context tokens in sequence, or frozen ones. */
type Piece = { readonly from: number; readonly count: number } | Tensor;

export class PackedTexts implements TextGroup {
  private readonly prefix: readonly Piece[];
  private readonly sequences: PackedSequences;
  /**
   * The start token as the input of block 1, 2, ..., [layers - 1, 1, width], where the prefix is nothing but it and tokens that deeper layers
   * replace: it attends only to itself, so it is the same in every step.
   */
  private readonly starts: Tensor | undefined;
  /** The tokens after the prefix, with their positions where nothing in them is learnt. */
  private readonly rest: Tensor | EmbeddedIds;

  /** @param texts each has at least one token after the prefix: see {@link prefixLength} */
  constructor(
    texts: readonly PromptIds[],
    private readonly options: GroupOptions,
  ) {
    const { tower, device, contexts } = options;
    const length = prefixLength(texts, options.mostShared);
    const first = texts[0] as PromptIds;
    const rest = texts.map((text) => text.slice(length));
    this.prefix = this.pieces(first.slice(0, length));
    this.sequences = packedSequences(
      device,
      rest.map((text) => text.length),
    );
    this.starts = scope(() => this.startStates(first.slice(0, 1), length));
    this.rest = scope(() => this.placedRows(new EmbeddedIds(tower, device, rest.flat(), contexts), length));
  }

  forward(tokens: LayerTokens | undefined, run: TextRun): Tensor {
    const { tower } = this.options;
    const { sequences, starts } = this;
    return scope(() => {
      const context = tokens?.[0];
      const pieces = this.prefix.map((piece) =>
        'from' in piece ? narrow(expectContext(context), 0, piece.from, piece.count) : piece,
      );
      const { rest } = this;
      const rows = rest instanceof EmbeddedIds ? { rows: rest.embed(context) } : { rows: rest, arePlaced: true };
      const input = { prefix: cat(pieces), ...rows, sequences };
      const deep = deepPrompts(this.options, tokens);
      if (!starts || !deep) return tower.forwardPacked(input, { ...run, prompts: deep });
      return tower.forwardPacked(input, { ...run, prompts: { at: 0, layers: withStarts(starts, deep.layers) } });
    });
  }

  dispose(): void {
    for (const piece of this.prefix) if (!('from' in piece)) piece.dispose();
    this.rest.dispose();
    this.starts?.dispose();
    this.sequences.dispose();
  }

  private placedRows(rest: EmbeddedIds, shared: number): Tensor | EmbeddedIds {
    const { tower, isFrozen } = this.options;
    const { constant } = rest;
    if (!constant || !isFrozen) return rest;
    const placed = keep(noGrad(() => tower.placed(constant, this.sequences.lengths ?? [], shared)));
    rest.dispose();
    return placed;
  }

  private startStates(start: PromptIds, length: number): Tensor | undefined {
    const { tower, at, replaced, isFrozen } = this.options;
    const isAllReplaced = isFrozen && at === 1 && replaced > 0 && length === 1 + replaced;
    if (!isAllReplaced || start.some((id) => contextIndex(id) !== undefined) || tower.config.layers === 1) return undefined;
    const states: Tensor[] = [];
    const remember: BlockHook = (x, layer) => {
      if (layer > 0) states.push(keep(reshape(x, [1, -1])));
      return x;
    };
    const token = tower.tokens.rows(Int32Array.from(start), [1, 1]);
    noGrad(() => tower.hidden(token, { hook: remember }));
    const starts = keep(stack(states));
    for (const state of states) state.dispose();
    return starts;
  }

  private pieces(ids: PromptIds): Piece[] {
    const pieces: Piece[] = [];
    let frozen: number[] = [];
    const closed = (): void => {
      if (frozen.length > 0) pieces.push(frozenTokens(this.options.tower, frozen));
      frozen = [];
    };
    for (let at = 0; at < ids.length; ) {
      const id = ids[at] as number;
      const from = contextIndex(id);
      if (from === undefined) {
        frozen.push(id);
        at += 1;
        continue;
      }
      closed();
      let count = 1;
      while (ids[at + count] === contextId(from + count)) count += 1;
      pieces.push({ from, count });
      at += count;
    }
    closed();
    return pieces;
  }
}

/** The start token's state before the prompt [n, width] of each layer, all joined at once. @param starts [layers - 1, 1, width], of layer 1 on */
function withStarts(starts: Tensor, layers: PromptTokens['layers']): PromptTokens['layers'] {
  const given = layers.flatMap((prompt, layer) => (prompt ? [{ prompt, start: select(starts, 0, layer - 1) }] : []));
  const isDense = layers.every((prompt, layer) => (prompt !== undefined) === layer > 0);
  const before = isDense ? narrow(starts, 0, 0, given.length) : stack(given.map(({ start }) => start));
  const whole = unbind(cat([before, stack(given.map(({ prompt }) => prompt))], 1));
  let at = 0;
  return layers.map((prompt) => prompt && whole[at++]);
}

/** The number of first tokens that all texts have in common, at most `limit`; each text keeps at least one token after them. */
export function prefixLength(texts: readonly PromptIds[], limit: number): number {
  const [first = []] = texts;
  const most = Math.min(limit, ...texts.map((text) => text.length - 1));
  const differs = first.findIndex((id, at) => texts.some((text) => text[at] !== id));
  return Math.max(0, Math.min(most, differs < 0 ? first.length : differs));
}
