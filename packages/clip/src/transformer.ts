/** The stack of blocks that both towers are made of, with a hook before every block: dense, or packed behind a shared prefix. */
import { checkpoint, LayerNorm, Linear, MultiHeadAttention, TransformerBlock } from '@mudpt/autograd';
import {
  attentionQkv,
  type AttentionOptions,
  type PackedSequences,
  reshape,
  scope,
  select,
  ShapeError,
  type Tensor,
} from '@mudpt/tensor';
import type { TowerConfig } from './config.ts';
import type { WeightBox } from './tensors.ts';

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

const ACTIVATIONS = { quick_gelu: 'quickGelu', gelu: 'gelu' } as const;

/** The blocks of `tower` ("transformer" or "visual.transformer") from their weights. */
export function takeBlocks(weights: WeightBox, tower: string, config: TowerConfig): TransformerBlock[] {
  const { width, heads, hidden, layers, activation, eps } = config;
  const linear = (name: string, inputs: number, outputs: number, bias: string, weight: string): Linear =>
    new Linear(inputs, outputs, {
      weight: weights.matrix(name + weight, [outputs, inputs]),
      bias: weights.vector(name + bias, [outputs]),
    });
  return Array.from({ length: layers }, (_, layer) => {
    const name = `${tower}.resblocks.${layer}`;
    const attention = new MultiHeadAttention(width, heads, {
      qkv: linear(`${name}.attn.`, width, 3 * width, 'in_proj_bias', 'in_proj_weight'),
      out: linear(`${name}.attn.out_proj.`, width, width, 'bias', 'weight'),
    });
    const parts = {
      norm1: takeNorm(weights, `${name}.ln_1`, width, eps),
      attention,
      norm2: takeNorm(weights, `${name}.ln_2`, width, eps),
      up: linear(`${name}.mlp.c_fc.`, width, hidden, 'bias', 'weight'),
      down: linear(`${name}.mlp.c_proj.`, hidden, width, 'bias', 'weight'),
    };
    return new TransformerBlock({ width, heads, hidden, activation: ACTIVATIONS[activation], eps, parts });
  });
}

export function takeNorm(weights: WeightBox, name: string, width: number, eps: number): LayerNorm {
  const [weight, bias] = [weights.vector(`${name}.weight`, [width]), weights.vector(`${name}.bias`, [width])];
  return new LayerNorm(width, { weight, bias, eps });
}

/** The tensors of `blocks` by OpenAI's names, as {@link takeBlocks} reads them. */
export function* namedBlockWeights(blocks: readonly TransformerBlock[], tower: string): Generator<readonly [string, Tensor]> {
  for (const [layer, { norm1, norm2, attention, up, down }] of blocks.entries()) {
    const name = `${tower}.resblocks.${layer}`;
    yield [`${name}.attn.in_proj_weight`, attention.qkv.weight];
    if (attention.qkv.bias) yield [`${name}.attn.in_proj_bias`, attention.qkv.bias];
    const layers = { 'attn.out_proj': attention.out, ln_1: norm1, 'mlp.c_fc': up, 'mlp.c_proj': down, ln_2: norm2 };
    for (const [part, { weight, bias }] of Object.entries(layers)) {
      yield [`${name}.${part}.weight`, weight];
      if (bias) yield [`${name}.${part}.bias`, bias];
    }
  }
}

/** Takes the rows that are read after the last block, as [count, width]. */
export type RowPicker = (x: Tensor) => Tensor;

type BlockAttention = Pick<AttentionOptions, 'causal' | 'cuSeqlens' | 'prefix'>;

/**
 * Runs x [B, T, width], or packed [N, width] with `cuSeqlens`, through `blocks`. `x` stays the caller's; so does the result.
 * @param options.pick the only rows that are wanted: behind its attention, the last block then works on these alone
 * @returns all rows, or those picked
 */
export function runBlocks(
  blocks: readonly TransformerBlock[],
  x: Tensor,
  { hook, recompute = false, pick, ...attention }: StackOptions & BlockAttention & { readonly pick?: RowPicker },
): Tensor {
  let current = x;
  for (const [layer, block] of blocks.entries()) {
    const picked = layer === blocks.length - 1 ? pick : undefined;
    const forward = (input: Tensor, options: BlockAttention): Tensor =>
      picked ? pickingBlock(block, input, options, picked) : block.forward(input, options);
    // The backward begins with the last block: what it keeps is used at once.
    const run = recompute && layer < blocks.length - 1 ? checkpoint(forward) : forward;
    const next = scope(() => run(hook ? hook(current, layer) : current, attention));
    if (current !== x) current.dispose();
    current = next;
  }
  return current;
}

/** A prefix [P, width] and rows [N, width] of packed sequences that all begin with it. */
export type SharedStreams = { readonly prefix: Tensor; readonly rows: Tensor; readonly sequences: PackedSequences };

/**
 * Runs packed causal sequences with a common beginning: its rows are computed once, and every row of the sequences attends to them
 * before its own sequence. Exact, because under the causal mask the beginning does not depend on what follows. The hook sees the prefix.
 * @returns the picked rows after the last block
 */
export function runBlocksShared(
  blocks: readonly TransformerBlock[],
  { prefix, rows, sequences }: SharedStreams,
  { hook, recompute = false, pick }: StackOptions & { readonly pick: RowPicker },
): Tensor {
  let [head, tail] = [prefix, rows];
  for (const [layer, block] of blocks.entries()) {
    const picked = layer === blocks.length - 1 ? pick : undefined;
    // Sequences are an argument: a checkpoint keeps its arguments, so the caller may dispose them before the backward.
    const forward = (first: Tensor, rest: Tensor, packed: PackedSequences): Streams =>
      sharedBlock(block, first, rest, packed, picked);
    const run = recompute && layer < blocks.length - 1 ? checkpoint(forward) : forward;
    const next = scope(() => run(hook ? hook(head, layer) : head, tail, sequences));
    if (head !== prefix) head.dispose();
    if (tail !== rows) tail.dispose();
    [head, tail] = [next.head ?? prefix, next.rows];
  }
  return tail;
}

type Streams = { readonly head?: Tensor; readonly rows: Tensor };

/** One block over both streams. In the last one (with `pick`) nobody reads the prefix any more, so there it is left out. */
function sharedBlock(
  block: TransformerBlock,
  head: Tensor,
  rows: Tensor,
  sequences: PackedSequences,
  pick: RowPicker | undefined,
): Streams {
  const { width, heads } = block.attention;
  const [count = 0] = head.shape;
  if (head.rank !== 2 || head.shape[1] !== width || count === 0) {
    throw new ShapeError(
      'TextTower',
      `the hook gave a prefix of shape [${head.shape.join(', ')}]`,
      `return [rows, ${width}], the rows that all texts share`,
    );
  }
  using headQkv = projected(block, head);
  using k = select(headQkv, 1, 1);
  using v = select(headQkv, 1, 2);
  using rowsQkv = projected(block, rows);
  using attended = attentionQkv(rowsQkv, { causal: true, cuSeqlens: sequences, prefix: { k, v } });
  if (pick) return { rows: finishPicked(block, rows, attended, pick) };
  using dense = reshape(headQkv, [1, count, 3, heads, width / heads]);
  using own = attentionQkv(dense, { causal: true });
  return { head: finish(block, head, own), rows: finish(block, rows, attended) };
}

/** A block of which only some rows are wanted: they attend to all, and all that follows works on each row alone. */
function pickingBlock(block: TransformerBlock, x: Tensor, attention: BlockAttention, pick: RowPicker): Tensor {
  using qkv = projected(block, x);
  using attended = attentionQkv(qkv, attention);
  return finishPicked(block, x, attended, pick);
}

/** Queries, keys and values [..., 3, heads, depth] of normed x [..., width]. */
function projected({ norm1, attention: { qkv, width, heads } }: TransformerBlock, x: Tensor): Tensor {
  using normed = norm1.forward(x);
  using all = qkv.forward(normed);
  return reshape(all, [...x.shape.slice(0, -1), 3, heads, width / heads]);
}

function finishPicked(block: TransformerBlock, x: Tensor, attended: Tensor, pick: RowPicker): Tensor {
  using joined = reshape(attended, x.shape);
  using own = pick(x);
  using seen = pick(joined);
  return finish(block, own, seen);
}

/** The rest of a block, behind its attention: `attended` has the elements of x. */
function finish(block: TransformerBlock, x: Tensor, attended: Tensor): Tensor {
  using joined = reshape(attended, x.shape);
  using mixed = block.attention.out.forward(joined, { residual: x });
  return block.transform(mixed);
}
