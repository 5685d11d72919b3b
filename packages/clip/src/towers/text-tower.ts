/** Text transformers: CLIP's, dense or packed after a common prefix, and SigLIP's, in which every token attends to every other. */
import { type LayerNorm, Module, type TransformerBlock } from '@mudpt/autograd';
import { add, argmax, type Device, embedding, gatherRows, matmul, narrow, scope, Tensor, tensor } from '@mudpt/tensor';
import { expectAdapters } from './adapters.ts';
import type { TokenPicker } from './block.ts';
import { namedBlockWeights, takeBlocks, takeNorm } from './block-weights.ts';
import type { TextConfig } from '../config.ts';
import type { WeightBox } from '../weight-box.ts';
import { pickRows } from './pick-rows.ts';
import type { PromptTokens } from './prompt-tokens.ts';
import {
  type EmbeddedTexts,
  expectCausal,
  expectEmbeddings,
  expectEnds,
  expectPacked,
  expectPrompts,
  isCausal,
  type PackedInput,
} from './text-inputs.ts';
import { packTokens, type PackedTexts, readTokenIds, type TokenIds } from './token-ids.ts';
import { TokenTable } from './token-table.ts';
import { runBlocks, runPrefixedBlocks, type StackOptions } from './transformer.ts';

/** Texts to features. Its tensors carry OpenAI's layouts: `projection` is multiplied from the right. */
export class TextTower extends Module {
  readonly tokens: TokenTable;
  /** [context, width] */
  readonly positions: Tensor;
  readonly blocks: readonly TransformerBlock[];
  readonly normFinal: LayerNorm;
  /** [width, embed] */
  readonly projection: Tensor;
  /** [embed]; CLIP has none. */
  readonly projectionBias: Tensor | undefined;

  constructor(
    readonly config: TextConfig,
    embed: number,
    weights: WeightBox,
    private readonly device: Device,
  ) {
    super();
    const { width, context, vocabulary, eps } = config;
    this.tokens = new TokenTable(weights.table('token_embedding.weight', [vocabulary, width]), device);
    this.positions = weights.vector('positional_embedding', [context, width]);
    this.blocks = takeBlocks(weights, 'transformer', config);
    this.normFinal = takeNorm(weights, 'ln_final', width, eps);
    this.projection = weights.matrix('text_projection', [width, embed]);
    this.projectionBias = config.architecture === 'siglip' ? weights.vector('text_projection_bias', [embed]) : undefined;
  }

  /** Whether a token attends only to itself and those before it. Then texts may be cut after their ends, and packed. */
  get isCausal(): boolean {
    return isCausal(this.config);
  }

  /** The id that fills texts up to one length. */
  get pad(): number {
    return this.config.architecture === 'siglip' ? this.config.pad : 0;
  }

  /** Special tokens before the words of a text: CLIP's start token; SigLIP has none. */
  get startTokens(): 0 | 1 {
    return this.isCausal ? 1 : 0;
  }

  /** Rows [C, T, width] of token ids, without positions. @throws LimitError for ids or lengths the tower does not have */
  embed(ids: TokenIds): Tensor {
    const { ids: all, count, length } = readTokenIds(ids, this.config);
    return this.tokens.rows(all, [count, length]);
  }

  /**
   * Features [C, embed], not normalised, of token ids or of embedded texts. T may be less than the context as long as every end is
   * inside: under the causal mask nothing after it matters. Without it (SigLIP) T is the context, and the last position is every text's end.
   * Prompts replace tokens of every text, positions included.
   * @param texts ids on the host; ids on the device (i32 [C, T], for a table on the device; unchecked); or embeddings with their ends
   */
  forward(texts: TokenIds | Tensor | EmbeddedTexts, options: StackOptions = {}): Tensor {
    return scope(() => {
      const { embeddings, eot } = this.embedded(texts);
      expectEmbeddings(this.config, embeddings);
      return this.head(this.run(embeddings, { ...options, pick: this.atEnds(embeddings, eot, insertedTokens(options.prompts)) }));
    });
  }

  /** Embedded texts [C, T, width], to which positions are added here, after the last block: [C, T, width]. */
  hidden(embeddings: Tensor, options: StackOptions = {}): Tensor {
    return scope(() => this.run(embeddings, options));
  }

  /** The features [C, embed] that the rows at the texts' ends, of hidden [C, T, width], end in. */
  project(hidden: Tensor, eot: readonly number[] | Tensor): Tensor {
    return scope(() => this.head(this.atEnds(hidden, eot)(hidden)));
  }

  /**
   * Features [C, embed] of packed texts: what they share is computed once, and there is no padding. Equal to {@link forward} of the same
   * texts. Positions are added here: prefix 0 to P - 1, every text's rows from P on.
   * @param options.prompts replace tokens of the prefix, positions included
   * @param options.hook sees the prefix [P, width] only, and may replace it at every layer
   */
  forwardPacked(input: PackedInput, options: StackOptions = {}): Tensor {
    const { rows, sequences } = input;
    expectPacked(this.config, input, options);
    return scope(() => {
      const [shared = 0] = input.prefix?.shape ?? [];
      const lengths = sequences.lengths ?? [];
      const eot = input.eot ?? endsOf(lengths);
      expectEnds(this.config, eot, sequences.count, sequences.total);
      const placed = input.arePlaced ? rows : this.placed(rows, lengths, shared);
      const prefix = input.prefix && add(input.prefix, narrow(this.positions, 0, 0, shared));
      const pickAfter =
        (count: number): TokenPicker =>
        (x) =>
          pickRows(
            x,
            eot.map((end) => count + end),
          );
      return this.head(
        prefix
          ? runPrefixedBlocks(this.blocks, { prefix, tokens: placed, sequences }, { ...options, pickAfter })
          : runBlocks(this.blocks, placed, { ...options, pick: pickAfter(0), causal: true, cuSeqlens: sequences }),
      );
    });
  }

  /** Packed rows [N, width] of texts of these lengths after a prefix of `shared` tokens, with their positions. */
  placed(rows: Tensor, lengths: readonly number[], shared: number): Tensor {
    const places = lengths.flatMap((length) => Array.from({ length }, (_, place) => shared + place));
    return scope(() => add(rows, embedding(this.positions, this.indices(places))));
  }

  /**
   * Cuts texts after their ends and packs them after their first `shared` tokens, for {@link forwardPacked}. The caller disposes
   * `sequences`.
   */
  pack(ids: TokenIds, shared: number): PackedTexts {
    expectCausal(this.config);
    return packTokens(this.device, readTokenIds(ids, this.config), shared);
  }

  /** Its tensors by OpenAI's names, without the token table: that is `tokens.contents()`. */
  *weights(): Generator<readonly [string, Tensor]> {
    yield ['positional_embedding', this.positions];
    yield ['text_projection', this.projection];
    if (this.projectionBias) yield ['text_projection_bias', this.projectionBias];
    yield* namedBlockWeights(this.blocks, 'transformer');
    yield ['ln_final.weight', this.normFinal.weight];
    yield ['ln_final.bias', this.normFinal.bias];
  }

  private embedded(texts: TokenIds | Tensor | EmbeddedTexts): EmbeddedTexts {
    if (texts instanceof Tensor) return { embeddings: this.tokens.embed(texts), eot: this.endsOfIds(texts) };
    if ('embeddings' in texts) return texts;
    const { ids, count, length, eot } = readTokenIds(texts, this.config);
    return { embeddings: this.tokens.rows(ids, [count, length]), eot };
  }

  /** Ends of texts whose ids are on the device. */
  private endsOfIds(ids: Tensor): readonly number[] | Tensor {
    const [count = 0, length = 0] = ids.shape;
    return this.isCausal ? argmax(ids, 1) : Array.from({ length: count }, () => length - 1);
  }

  private run(embeddings: Tensor, options: StackOptions & { readonly pick?: TokenPicker }): Tensor {
    expectEmbeddings(this.config, embeddings);
    const [, length = 0] = embeddings.shape;
    const placed = add(embeddings, narrow(this.positions, 0, 0, length));
    if (options.prompts) expectPrompts(this.config, options.prompts, length, embeddings.shape[0] as number);
    if (options.adapters) expectAdapters('TextTower', this.config, options.adapters);
    // One token attends to itself under any mask; without one it runs on kernels that images use anyway.
    return runBlocks(this.blocks, placed, { ...options, causal: this.isCausal && length > 1 });
  }

  /** Takes the rows at the texts' ends of tensors shaped like x [C, T, width], which `inserted` tokens have moved on. */
  private atEnds(x: Tensor, eot: readonly number[] | Tensor, inserted = 0): TokenPicker {
    const [count = 0, length = 0] = x.shape;
    if (!(eot instanceof Tensor)) expectEnds(this.config, eot, count, length);
    const moved = eot instanceof Tensor && inserted > 0 ? add(eot, inserted) : eot;
    const ends = moved instanceof Tensor ? moved : this.indices(moved.map((end) => end + inserted));
    return (all) => gatherRows(all, ends);
  }

  /** Only the tokens that become features are normalised: the norm works on each alone. */
  private head(ends: Tensor): Tensor {
    const features = matmul(this.normFinal.forward(ends), this.projection);
    return this.projectionBias ? add(features, this.projectionBias) : features;
  }

  private indices(values: readonly number[]): Tensor {
    return tensor(Int32Array.from(values), { device: this.device });
  }
}

/** How far prompts that are inserted move what follows. */
function insertedTokens(prompts: PromptTokens | undefined): number {
  return prompts?.inserted ? (prompts.layers.find((tokens) => tokens !== undefined)?.shape.at(-2) ?? 0) : 0;
}

function endsOf(lengths: readonly number[]): number[] {
  let at = -1;
  return lengths.map((length) => (at += length));
}
