/** The stack of blocks that both towers are made of: dense sequences, or packed ones after a common prefix, with prompt tokens in any layer. */
import { checkpoint, type TransformerBlock } from '@mudpt/autograd';
import { cat, narrow, type PackedSequences, scope, ShapeError, type Tensor } from '@mudpt/tensor';
import type { BlockAdapter } from './adapters.ts';
import { type BlockAttention, type BlockReads, runBlock, type TokenPicker } from './block.ts';
import { type JoinedTokens, type PrefixedTokens, runJoinedBlock, runPrefixedBlock } from './prefixed-block.ts';
import { insertTokens, placeTokens, type PromptTokens, replaceInPacked } from './prompt-tokens.ts';

/**
 * Called with the input of every block, layer 0 to the last. May return `x` itself or another tensor, also of other length, which the
 * block reads instead; it never disposes `x`. What it creates lives until its block is done: `keep` what shall live longer.
 */
export type BlockHook = (x: Tensor, layer: number) => Tensor;

/** What is put into, and taken from, a stack of blocks. */
export type StackOptions = {
  /** A block computes only keys and values of prompt tokens that the next one is given anew, unless a hook wants to see them. */
  readonly prompts?: PromptTokens | undefined;
  /** What is added to block 0, 1, ...; undefined, or a shorter list: nothing. */
  readonly adapters?: readonly (BlockAdapter | undefined)[] | undefined;
  readonly hook?: BlockHook;
  /** What the backward computes a second time. Default false. */
  readonly recompute?: Recompute;
};

/**
 * false: nothing is computed twice. true: of all blocks but the last only the inputs are kept for the backward. 'selective': the inputs of both their
 * halves, attention and feed-forward: twice as much, and the projection of attention is not computed again (blocks with adapters: as true).
 * In a captured step the last product of what is computed again is left out, because no gradient reads it.
 */
export type Recompute = boolean | 'selective';

/** How a block runs under `recompute`. */
function recomputation(
  recompute: Recompute,
  { isLast, adapter }: { readonly isLast: boolean; readonly adapter?: BlockAdapter | undefined },
): {
  readonly inHalves: boolean;
  readonly around: <A extends readonly unknown[], R>(run: (...args: A) => R) => (...args: A) => R;
} {
  // The backward begins with the last block: what it keeps is used at once.
  if (isLast || !recompute) return { inHalves: false, around: (run) => run };
  const inHalves = recompute === 'selective' && !adapter;
  return { inHalves, around: inHalves ? (run) => run : checkpoint };
}

/**
 * Runs x [B, T, width], or packed [N, width] with `cuSeqlens` (then without prompts), through `blocks`. `x` stays the caller's; so does the
 * result.
 * @param options.pick the only tokens that are read in the end
 * @returns all tokens, appended ones included; or the picked ones
 */
export function runBlocks(
  blocks: readonly TransformerBlock[],
  x: Tensor,
  {
    prompts,
    adapters,
    hook,
    recompute = false,
    pick,
    rotations,
    ...attention
  }: StackOptions & BlockAttention & Pick<BlockReads, 'rotations'> & { readonly pick?: TokenPicker },
): Tensor {
  const [, length = 0] = x.shape;
  let current = x;
  for (const [layer, block] of blocks.entries()) {
    const isLast = layer === blocks.length - 1;
    const picked = isLast ? pick : undefined;
    const tokens = prompts?.layers[layer];
    const adapter = adapters?.[layer];
    const isOfSequences = tokens?.rank === 3;
    const isReadOn = hook !== undefined || isOfSequences || prompts?.at !== 'end' || (!picked && !prompts.layers[layer + 1]);
    const { inHalves, around } = recomputation(recompute, { isLast, adapter });
    const run = around(
      (input: Tensor, unread: Tensor | undefined, options: BlockAttention): Tensor =>
        runBlock(block, input, options, {
          unread,
          isConstant: isFirst(prompts, layer),
          pick: picked,
          adapter,
          rotations,
          inHalves,
        }),
    );
    const next = scope(() => {
      const input =
        prompts && tokens
          ? promptedInput(current, tokens, { at: placeOf(prompts, length), isInserted: isInserted(prompts, layer) }, isReadOn)
          : current;
      return run(hook ? hook(input, layer) : input, isReadOn ? undefined : tokens, attention);
    });
    if (current !== x) current.dispose();
    current = next;
  }
  return current;
}

/** The first place of prompts among a sequence's tokens, of which there are `length`. */
function placeOf({ at }: PromptTokens, length: number): number {
  return at === 'end' ? length : at;
}

/** Whether no block before this one was given prompts: then its other tokens are mostly constant. */
function isFirst(prompts: PromptTokens | undefined, layer: number): boolean {
  const first = prompts?.layers.findIndex((tokens) => tokens !== undefined) ?? -1;
  return first < 0 || layer <= first;
}

/** Whether the tokens of a block come between those of its input, rather than in place of some. */
function isInserted({ inserted = false, layers }: PromptTokens, layer: number): boolean {
  return inserted && layers.findIndex((tokens) => tokens !== undefined) === layer;
}

/** x with the tokens in it; the part of x before them where the block reads only their keys and values. */
function promptedInput(
  x: Tensor,
  tokens: Tensor,
  { at, isInserted: inserted }: { readonly at: number; readonly isInserted: boolean },
  isReadOn: boolean,
): Tensor {
  if (inserted) return insertTokens(x, tokens, at);
  if (isReadOn) return placeTokens(x, tokens, at);
  return x.shape[1] === at ? x : narrow(x, 1, 0, at);
}

/**
 * Runs packed causal sequences with a common prefix: its tokens are computed once, and every token of the sequences attends to them
 * before its sequence. Exact, because under the causal mask the prefix does not depend on what follows. Prompts and hook work on the prefix.
 * After the last of them both are one tensor.
 * @param streams.prefix [P, width]
 * @param streams.tokens of the sequences, packed: [N, width]
 * @param options.pickAfter the picker of tokens that are read in the end, from sequences after so many tokens
 * @returns the picked tokens after the last block
 */
export function runPrefixedBlocks(
  blocks: readonly TransformerBlock[],
  streams: { readonly prefix: Tensor; readonly tokens: Tensor; readonly sequences: PackedSequences },
  {
    prompts,
    adapters,
    hook,
    recompute = false,
    pickAfter,
  }: StackOptions & { readonly pickAfter: (prefix: number) => TokenPicker },
): Tensor {
  const { tokens, sequences } = streams;
  const [count = 0] = streams.prefix.shape;
  const joinsAt = firstJoined(blocks.length, { prompts, adapters, hook });
  let prefix: Tensor | undefined = streams.prefix;
  let current = tokens;
  for (const [layer, block] of blocks.entries()) {
    const isLast = layer === blocks.length - 1;
    const isRead = !isLast && (hook !== undefined || wholePrefix(prompts, layer + 1, count) === undefined);
    const pick = isLast ? pickAfter(0) : undefined;
    const adapter = adapters?.[layer];
    const { inHalves, around } = recomputation(recompute, { isLast, adapter });
    const read = { prefix: isRead, isConstant: layer === 0, pick, adapter, inHalves };
    // Sequences are an argument: a checkpoint keeps its arguments, so the caller may dispose them before the backward.
    const run = around((input: PrefixedTokens): ReturnType<typeof runPrefixedBlock> => runPrefixedBlock(block, input, read));
    const next = scope(() => {
      const input = prefixInput(prefix, prompts, layer, count);
      const seen = hook ? hook(input, layer) : input;
      expectPrefix(seen, block.attention.width);
      const ofEach = prompts?.layers[layer];
      const rows =
        prompts && ofEach?.rank === 3 ? replaceInPacked(current, ofEach, sequences, placeOf(prompts, count) - count) : current;
      if (layer === joinsAt)
        return {
          tokens: runJoinedBlocks(blocks.slice(layer), { prefix: seen, tokens: rows, sequences }, { recompute, pickAfter }),
        };
      return run({ prefix: seen, tokens: rows, sequences });
    });
    if (prefix !== streams.prefix) prefix?.dispose();
    if (current !== tokens) current.dispose();
    [prefix, current] = [next.prefix, next.tokens];
    if (layer === joinsAt) break;
  }
  return current;
}

/**
 * The block from which on prefix and sequences are one tensor: that of the last prompts, but not the first, whose sequences are constant. Infinity where
 * something is done to one of them alone, or the prefix is not read after that block.
 */
function firstJoined(count: number, { prompts, adapters, hook }: Pick<StackOptions, 'prompts' | 'adapters' | 'hook'>): number {
  const last = prompts?.layers.findLastIndex((tokens) => tokens !== undefined) ?? -1;
  const layer = Math.max(1, last);
  const isAdapted = adapters?.slice(layer).some((adapter) => adapter !== undefined) ?? false;
  return hook || isAdapted || layer >= count - 1 ? Number.POSITIVE_INFINITY : layer;
}

/** The blocks after the last prompts. @returns the picked tokens after the last one */
function runJoinedBlocks(
  blocks: readonly TransformerBlock[],
  { prefix, tokens, sequences }: PrefixedTokens,
  { recompute, pickAfter }: { readonly recompute: Recompute; readonly pickAfter: (prefix: number) => TokenPicker },
): Tensor {
  const [count = 0] = prefix.shape;
  const picks = { joined: pickAfter(count), tokens: pickAfter(0) };
  let current = cat([prefix, tokens]);
  for (const [layer, block] of blocks.entries()) {
    const isLast = layer === blocks.length - 1;
    const { inHalves, around } = recomputation(recompute, { isLast });
    const run = around((input: JoinedTokens): Tensor => runJoinedBlock(block, input, { ...(isLast && { picks }), inHalves }));
    const next = scope(() => run({ joined: current, prefix: count, sequences }));
    current.dispose();
    current = next;
  }
  return current;
}

/** The prompt tokens of a layer where they take the place of all `count` tokens of the prefix. */
function wholePrefix(prompts: PromptTokens | undefined, layer: number, count: number): Tensor | undefined {
  const tokens = prompts?.layers[layer];
  return prompts?.at === 0 && !prompts.inserted && tokens?.rank === 2 && tokens.shape[0] === count ? tokens : undefined;
}

/** @param prefix what the block before made of it; undefined where nobody reads it */
function prefixInput(prefix: Tensor | undefined, prompts: PromptTokens | undefined, layer: number, count: number): Tensor {
  const whole = wholePrefix(prompts, layer, count);
  if (whole) return whole;
  if (!prefix)
    throw new ShapeError('TextTower', `nothing is left of the prefix at block ${layer}`, 'report this: it is a mistake');
  const tokens = prompts?.layers[layer];
  if (!prompts || tokens?.rank !== 2) return prefix;
  const at = placeOf(prompts, count);
  return isInserted(prompts, layer) ? insertTokens(prefix, tokens, at) : placeTokens(prefix, tokens, at);
}

function expectPrefix(prefix: Tensor, width: number): void {
  if (prefix.rank === 2 && prefix.shape[1] === width && prefix.size > 0) return;
  throw new ShapeError(
    'TextTower',
    `the hook gave a prefix of shape [${prefix.shape.join(', ')}]`,
    `return [tokens, ${width}], those that all texts share`,
  );
}
