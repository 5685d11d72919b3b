/** The stack of blocks that both towers are made of, with a hook before every block: dense, or packed behind a shared prefix. */
import { checkpoint, type TransformerBlock } from '@mudpt/autograd';
import { cat, expand, narrow, type PackedSequences, reshape, scope, ShapeError, type Tensor } from '@mudpt/tensor';
import { type BlockAttention, blockRows, type RowPicker, sharedBlock, type SharedRows } from './block.ts';

/**
 * Called with the input of every block, layer 0 to the last. May return `x` itself or another tensor, also of other length, which the
 * block reads instead; it never disposes `x`. What it creates lives until its block is done: `keep` what shall live longer.
 */
export type BlockHook = (x: Tensor, layer: number) => Tensor;

export type StackOptions = {
  readonly hook?: BlockHook;
  /** Keep only the inputs of all blocks but the last for the backward, and compute the rest a second time there. */
  readonly recompute?: boolean;
};

/**
 * Rows that are the same in all sequences, [n, width], as the input of block 0, 1, ... What a block makes of rows that the next one is given
 * anew is not computed, unless a hook wants to see it: of those rows only keys and values are needed.
 */
export type GivenRows = readonly Tensor[];

/**
 * Checks rows that are given as the input of the first block, if any, and of later ones.
 * @param names what the caller calls its tower, the first rows and the later ones
 */
export function expectGiven(
  names: { readonly tower: string; readonly first: string; readonly later: string },
  { width, layers }: { readonly width: number; readonly layers: number },
  first: Tensor | undefined,
  later: GivenRows,
): void {
  const fail = (problem: string, fix: string): never => {
    throw new ShapeError(names.tower, problem, fix);
  };
  const shapeOf = (rows: Tensor | undefined): string => (rows ? `[${rows.shape.join(', ')}]` : 'none');
  if (first && (first.rank !== 2 || first.shape[1] !== width))
    fail(`${names.first} has shape ${shapeOf(first)}`, `give rows [n, ${width}], or none`);
  const odd = later.find((rows) => shapeOf(rows) !== shapeOf(first));
  if (odd) fail(`${names.later} has rows ${shapeOf(odd)}, ${names.first} has ${shapeOf(first)}`, 'give all of one shape');
  if (later.length >= layers)
    fail(`${names.later} has rows for ${later.length} blocks behind the first, there are ${layers - 1}`, 'give fewer');
}

/**
 * Runs x [B, T, width], or packed [N, width] with `cuSeqlens`, through `blocks`. `x` stays the caller's; so does the result.
 * @param options.pick the only rows that are wanted
 * @param options.behind rows behind those of every sequence, from block 0 on
 * @returns all rows, those given and not picked included; or the picked ones
 */
export function runBlocks(
  blocks: readonly TransformerBlock[],
  x: Tensor,
  {
    hook,
    recompute = false,
    pick,
    behind = [],
    ...attention
  }: StackOptions & BlockAttention & { readonly pick?: RowPicker; readonly behind?: GivenRows },
): Tensor {
  let current = x;
  for (const [layer, block] of blocks.entries()) {
    const isLast = layer === blocks.length - 1;
    const picked = isLast ? pick : undefined;
    const isRead = hook !== undefined || (behind.length === layer + 1 && !picked);
    const forward = (input: Tensor, extra: Tensor | undefined, options: BlockAttention): Tensor =>
      blockRows(block, input, options, { extra, pick: picked });
    // The backward begins with the last block: what it keeps is used at once.
    const run = recompute && !isLast ? checkpoint(forward) : forward;
    const next = scope(() => {
      const given = behind[layer];
      const input = given && isRead ? joined(current, x.shape[1] ?? 0, given) : current;
      return run(hook ? hook(input, layer) : input, isRead ? undefined : given, attention);
    });
    if (current !== x) current.dispose();
    current = next;
  }
  return current;
}

/** The first `length` rows of x [B, T, width], and behind them `rows` [n, width] in every sequence. */
function joined(x: Tensor, length: number, rows: Tensor): Tensor {
  const [batch = 0, present = 0] = x.shape;
  const own = present === length ? x : narrow(x, 1, 0, length);
  return cat([own, expand(reshape(rows, [1, ...rows.shape]), [batch, ...rows.shape])], 1);
}

/**
 * Runs packed causal sequences with a common beginning: its rows are computed once, and every row of the sequences attends to them
 * before its own sequence. Exact, because under the causal mask the beginning does not depend on what follows. The hook sees the prefix.
 * @param streams.prefixes the beginning as the input of block 0, 1, ...
 * @returns the picked rows after the last block
 */
export function runBlocksShared(
  blocks: readonly TransformerBlock[],
  streams: { readonly prefixes: GivenRows; readonly rows: Tensor; readonly sequences: PackedSequences },
  { hook, recompute = false, pick }: StackOptions & { readonly pick: RowPicker },
): Tensor {
  const { prefixes, rows, sequences } = streams;
  let own: Tensor | undefined;
  let tail = rows;
  for (const [layer, block] of blocks.entries()) {
    const isLast = layer === blocks.length - 1;
    const isRead = !isLast && (hook !== undefined || prefixes[layer + 1] === undefined);
    const read = { head: isRead, pick: isLast ? pick : undefined };
    // Sequences are an argument: a checkpoint keeps its arguments, so the caller may dispose them before the backward.
    const forward = (shared: SharedRows): ReturnType<typeof sharedBlock> => sharedBlock(block, shared, read);
    const run = recompute && !isLast ? checkpoint(forward) : forward;
    const next = scope(() => {
      const input = prefixes[layer] ?? (own as Tensor);
      const head = hook ? hook(input, layer) : input;
      expectPrefix(head, block.attention.width);
      return run({ head, rows: tail, sequences });
    });
    own?.dispose();
    if (tail !== rows) tail.dispose();
    [own, tail] = [next.head, next.rows];
  }
  return tail;
}

function expectPrefix(head: Tensor, width: number): void {
  if (head.rank === 2 && head.shape[1] === width && head.size > 0) return;
  throw new ShapeError(
    'TextTower',
    `the hook gave a prefix of shape [${head.shape.join(', ')}]`,
    `return [rows, ${width}], the rows that all texts share`,
  );
}
