/** Inputs of the text tower and their checks; each error says what to give instead. */
import { type PackedSequences, ShapeError, type Tensor } from '@mudpt/tensor';
import type { TextConfig } from '../config.ts';
import { expectAdapters } from './adapters.ts';
import { expectPromptTokens, type PromptTokens } from './prompt-tokens.ts';
import type { StackOptions } from './transformer.ts';

/** Embedded texts [C, T, width] without positions, and the position of each one's end. */
export type EmbeddedTexts = { readonly embeddings: Tensor; readonly eot: readonly number[] | Tensor };

/** Texts packed after a common prefix, without positions unless `arePlaced`. */
export type PackedInput = {
  /** The tokens [P, width] that all texts begin with. */
  readonly prefix?: Tensor | undefined;
  /** What follows in each text, one text after the other: [N, width]. */
  readonly rows: Tensor;
  /** Whether `rows` have their positions: those of {@link TextTower.placed}, for texts that stay the same. Default false. */
  readonly arePlaced?: boolean;
  /** Where each text lies among the rows; it must live until the backward is done. */
  readonly sequences: PackedSequences;
  /** Index among `rows` of each text's end. Default: its last row. */
  readonly eot?: readonly number[];
};

/** Whether a token attends only to itself and those before it. */
export function isCausal({ architecture }: Pick<TextConfig, 'architecture'>): boolean {
  return architecture !== 'siglip';
}

export function expectEmbeddings(config: TextConfig, embeddings: Tensor): void {
  const { context, width } = config;
  const [, length = 0] = embeddings.shape;
  if (embeddings.rank !== 3 || embeddings.shape[2] !== width || embeddings.size === 0 || length > context) {
    throw new ShapeError(
      'TextTower',
      `embeddings have shape [${embeddings.shape.join(', ')}]`,
      `give at least one text: [C, T, ${width}] with T up to ${context}`,
    );
  }
  if (!isCausal(config) && length !== context)
    throw new ShapeError(
      'TextTower',
      `texts have ${length} tokens, and every token of this tower attends to all ${context} positions`,
      `fill texts up to ${context} tokens with its padding`,
    );
}

export function expectEnds(config: TextConfig, eot: readonly number[], count: number, rows: number): void {
  const isFree = isCausal(config);
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

export function expectPrompts(config: TextConfig, prompts: PromptTokens, length: number, count: number): void {
  expectPromptTokens('TextTower', config, prompts, count);
  const { at, layers, inserted = false } = prompts;
  const tokens = layers.find((one) => one !== undefined)?.shape.at(-2) ?? 0;
  const most = inserted ? 0 : tokens;
  if (at !== 'end' && at + most <= length) return;
  throw new ShapeError(
    'TextTower',
    at === 'end'
      ? isCausal(config)
        ? 'prompts stand at the end, and under the causal mask no text sees them there'
        : 'prompts stand at the end, after the position that is read'
      : `${tokens} prompt tokens from place ${at} on do not fit into ${length} tokens`,
    'give `at`, the first token that they replace, and as many as there are',
  );
}

/** The check that prompts of all texts fit into the prefix, and those of one text after it. */
function expectPackedPrompts(
  config: TextConfig,
  prompts: PromptTokens,
  shared: number,
  { lengths = [], count }: PackedSequences,
): void {
  const { at, layers } = prompts;
  const ofEach = layers.filter((tokens) => tokens?.rank === 3);
  const isShared = layers.some((tokens) => tokens?.rank === 2);
  if (isShared || ofEach.length === 0) expectPrompts(config, prompts, shared, count);
  if (ofEach.length === 0) return;
  expectPrompts(config, prompts, shared + Math.min(...lengths), count);
  if (shared > 0 && !isShared && at !== 'end' && at >= shared) return;
  throw new ShapeError(
    'TextTower',
    `prompts of each text stand from place ${at} on, and packed texts share their first ${shared} tokens`,
    'share at least one token, and at most those before the prompts',
  );
}

export function expectCausal(config: TextConfig): void {
  if (isCausal(config)) return;
  throw new ShapeError(
    'TextTower',
    'texts are packed, and in this tower the beginning of a text depends on what follows',
    'use forward, with all positions of each text',
  );
}

export function expectPacked(
  config: TextConfig,
  { prefix, rows, sequences }: PackedInput,
  { hook, prompts, adapters }: StackOptions,
): void {
  const { width, context } = config;
  const [shared = 0] = prefix?.shape ?? [];
  const fail = (problem: string, fix: string): never => {
    throw new ShapeError('TextTower', problem, fix);
  };
  expectCausal(config);
  if (!sequences.lengths) fail('only the device knows the lengths of the sequences', 'make them with packedSequences');
  if (sequences.count === 0 || sequences.lengths?.includes(0))
    fail('a text has no rows, or there is none', 'leave out fewer tokens');
  if (rows.shape.join() !== [sequences.total, width].join())
    fail(`rows have shape [${rows.shape.join(', ')}]`, `give the [${sequences.total}, ${width}] that the sequences describe`);
  if (prefix && (prefix.rank !== 2 || prefix.shape[1] !== width))
    fail(`prefix has shape [${prefix.shape.join(', ')}]`, `give tokens [n, ${width}], or none`);
  if (prefix?.size === 0) fail('prefix has no tokens', 'give some, or no prefix');
  if (prompts) expectPackedPrompts(config, prompts, shared, sequences);
  if (adapters) expectAdapters('TextTower', config, adapters);
  const longest = shared + sequences.maxLength;
  if (longest > context) fail(`the longest text has ${longest} rows, the context holds ${context}`, 'shorten it');
  if (hook && !prefix) fail('a hook is given but no prefix, which is all it could see', 'give a prefix');
}
