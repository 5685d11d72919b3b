/** Text transformers: CLIP's, dense or packed after a common prefix, and SigLIP's, in which every token attends to every other. */
import { type LayerNorm, Module, type TransformerBlock } from '@mudpt/autograd';
import {
  add,
  argmax,
  type Device,
  embedding,
  gatherRows,
  matmul,
  narrow,
  type PackedSequences,
  scope,
  ShapeError,
  Tensor,
  tensor,
} from '@mudpt/tensor';
import { expectAdapters } from './adapters.ts';
import type { TokenPicker } from './block.ts';
import { namedBlockWeights, takeBlocks, takeNorm } from './block-weights.ts';
import type { TextConfig } from '../config.ts';
import type { WeightBox } from '../weight-box.ts';
import { pickRows } from './pick-rows.ts';
import { expectPromptTokens, type PromptTokens } from './prompt-tokens.ts';
import { packTokens, type PackedTexts, readTokenIds, type TokenIds } from './token-ids.ts';
import { TokenTable } from './token-table.ts';
import { runBlocks, runPrefixedBlocks, type StackOptions } from './transformer.ts';

/** Embedded texts [C, T, width] without positions, and the position of each one's end. */
export type EmbeddedTexts = { readonly embeddings: Tensor; readonly eot: readonly number[] | Tensor };

/** Texts packed after a common prefix, without positions. */
export type PackedInput = {
  /** The tokens [P, width] that all texts begin with. */
  readonly prefix?: Tensor | undefined;
  /** What follows in each text, one text after the other: [N, width]. */
  readonly rows: Tensor;
  /** Where each text lies among the rows; it must live until the backward is done. */
  readonly sequences: PackedSequences;
  /** Index among `rows` of each text's end. Default: its last row. */
  readonly eot?: readonly number[];
};

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
    return this.config.architecture !== 'siglip';
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
      this.expectEmbeddings(embeddings);
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
    this.expectPacked(input, options);
    return scope(() => {
      const [shared = 0] = input.prefix?.shape ?? [];
      const lengths = sequences.lengths ?? [];
      const eot = input.eot ?? endsOf(lengths);
      this.expectEnds(eot, sequences.count, sequences.total);
      const places = lengths.flatMap((length) => Array.from({ length }, (_, place) => shared + place));
      const placed = add(rows, embedding(this.positions, this.indices(places)));
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

  /**
   * Cuts texts after their ends and packs them after their first `shared` tokens, for {@link forwardPacked}. The caller disposes
   * `sequences`.
   */
  pack(ids: TokenIds, shared: number): PackedTexts {
    this.expectCausal();
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

  /** Ends of ids that only the device knows. */
  private endsOfIds(ids: Tensor): readonly number[] | Tensor {
    const [count = 0, length = 0] = ids.shape;
    return this.isCausal ? argmax(ids, 1) : Array.from({ length: count }, () => length - 1);
  }

  private run(embeddings: Tensor, options: StackOptions & { readonly pick?: TokenPicker }): Tensor {
    this.expectEmbeddings(embeddings);
    const [, length = 0] = embeddings.shape;
    const placed = add(embeddings, narrow(this.positions, 0, 0, length));
    if (options.prompts) this.expectPrompts(options.prompts, length, embeddings.shape[0] as number);
    if (options.adapters) expectAdapters('TextTower', this.config, options.adapters);
    // A token alone sees itself under any mask: without one it needs no kernels but those of images.
    return runBlocks(this.blocks, placed, { ...options, causal: this.isCausal && length > 1 });
  }

  /** Takes the rows at the texts' ends of tensors shaped like x [C, T, width], which `inserted` tokens have moved on. */
  private atEnds(x: Tensor, eot: readonly number[] | Tensor, inserted = 0): TokenPicker {
    const [count = 0, length = 0] = x.shape;
    if (!(eot instanceof Tensor)) this.expectEnds(eot, count, length);
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

  private expectEmbeddings(embeddings: Tensor): void {
    const { context, width } = this.config;
    const [, length = 0] = embeddings.shape;
    if (embeddings.rank !== 3 || embeddings.shape[2] !== width || embeddings.size === 0 || length > context) {
      throw new ShapeError(
        'TextTower',
        `embeddings have shape [${embeddings.shape.join(', ')}]`,
        `give at least one text: [C, T, ${width}] with T up to ${context}`,
      );
    }
    if (!this.isCausal && length !== context)
      throw new ShapeError(
        'TextTower',
        `texts have ${length} tokens, and every token of this tower attends to all ${context} positions`,
        `fill texts up to ${context} tokens with its padding`,
      );
  }

  private expectEnds(eot: readonly number[], count: number, rows: number): void {
    const isFree = this.isCausal;
    if (eot.length === count && eot.every((end) => (isFree ? Number.isInteger(end) && end >= 0 && end < rows : end === rows - 1)))
      return;
    if (!isFree)
      throw new ShapeError(
        'TextTower',
        `the ends [${eot.slice(0, 8).join(', ')}${eot.length > 8 ? ', ...' : ''}] of ${count} texts are not all the last position`,
        `give ${rows - 1} for every text: this tower reads the last of its positions`,
      );
    throw new ShapeError(
      'TextTower',
      `the ends [${eot.slice(0, 8).join(', ')}${eot.length > 8 ? ', ...' : ''}] do not fit ${count} texts of rows 0 to ${rows - 1}`,
      "give the row of each text's end",
    );
  }

  private expectPrompts(prompts: PromptTokens, length: number, count: number): void {
    expectPromptTokens('TextTower', this.config, prompts, count);
    const { at, layers, inserted = false } = prompts;
    const tokens = layers.find((one) => one !== undefined)?.shape.at(-2) ?? 0;
    const most = inserted ? 0 : tokens;
    if (at !== 'end' && at + most <= length) return;
    throw new ShapeError(
      'TextTower',
      at === 'end'
        ? this.isCausal
          ? 'prompts stand at the end, and under the causal mask no text sees them there'
          : 'prompts stand at the end, after the position that is read'
        : `${tokens} prompt tokens from place ${at} on do not fit into ${length} tokens`,
      'give `at`, the first token that they replace, and as many as there are',
    );
  }

  /** Tokens of all texts stand in the prefix, those of each text after it. */
  private expectPackedPrompts(prompts: PromptTokens, shared: number, { lengths = [], count }: PackedSequences): void {
    const { at, layers } = prompts;
    const ofEach = layers.filter((tokens) => tokens?.rank === 3);
    const isShared = layers.some((tokens) => tokens?.rank === 2);
    if (isShared || ofEach.length === 0) this.expectPrompts(prompts, shared, count);
    if (ofEach.length === 0) return;
    this.expectPrompts(prompts, shared + Math.min(...lengths), count);
    if (shared > 0 && !isShared && at !== 'end' && at >= shared) return;
    throw new ShapeError(
      'TextTower',
      `prompts of each text stand from place ${at} on, and packed texts share their first ${shared} tokens`,
      'share at least one token, and at most those before the prompts',
    );
  }

  private expectCausal(): void {
    if (this.isCausal) return;
    throw new ShapeError(
      'TextTower',
      'texts are packed, and in this tower the beginning of a text depends on what follows',
      'use forward, with all positions of each text',
    );
  }

  private expectPacked({ prefix, rows, sequences }: PackedInput, { hook, prompts, adapters }: StackOptions): void {
    const { width, context } = this.config;
    const [shared = 0] = prefix?.shape ?? [];
    const fail = (problem: string, fix: string): never => {
      throw new ShapeError('TextTower', problem, fix);
    };
    this.expectCausal();
    if (!sequences.lengths) fail('only the device knows the lengths of the sequences', 'make them with packedSequences');
    if (sequences.count === 0 || sequences.lengths?.includes(0))
      fail('a text has no rows, or there is none', 'leave out fewer tokens');
    if (rows.shape.join() !== [sequences.total, width].join())
      fail(`rows have shape [${rows.shape.join(', ')}]`, `give the [${sequences.total}, ${width}] that the sequences describe`);
    if (prefix && (prefix.rank !== 2 || prefix.shape[1] !== width))
      fail(`prefix has shape [${prefix.shape.join(', ')}]`, `give tokens [n, ${width}], or none`);
    if (prefix?.size === 0) fail('prefix has no tokens', 'give some, or no prefix');
    if (prompts) this.expectPackedPrompts(prompts, shared, sequences);
    if (adapters) expectAdapters('TextTower', this.config, adapters);
    const longest = shared + sequences.maxLength;
    if (longest > context) fail(`the longest text has ${longest} rows, the context holds ${context}`, 'shorten it');
    if (hook && !prefix) fail('a hook is given but no prefix, which is all it could see', 'give a prefix');
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
