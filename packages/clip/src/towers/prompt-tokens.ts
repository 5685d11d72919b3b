/** Prompt tokens: vectors in a tower's sequences, after its tokens or in place of some, replaced in as many blocks as wanted. */
import { defineRule } from '@mudpt/autograd';
import {
  cat,
  expand,
  indexSelect,
  mul,
  narrow,
  type PackedSequences,
  reshape,
  ShapeError,
  sum,
  type Tensor,
  tensor,
} from '@mudpt/tensor';
import { defineOp } from '@mudpt/tensor/kernels';

/** Prompt tokens of one tower. */
export type PromptTokens = {
  /** 'end': after the last token of every sequence. A number: in place of tokens `at` to `at + n - 1`, counted from 0. */
  readonly at: number | 'end';
  /**
   * The tokens as the input of block 0, 1, ...: [n, width], the same in all sequences, or [sequences, n, width]. Undefined, or a shorter list: the block reads what the one before made of them.
   * Appended tokens enter at the first block that is given some.
   */
  readonly layers: readonly (Tensor | undefined)[];
  /**
   * Whether the first block that is given some gets them between tokens `at - 1` and `at`, which moves what follows; later ones replace them
   * there. Default false.
   */
  readonly inserted?: boolean;
};

/**
 * @param sequences how many there are
 * @throws ShapeError for tokens of another shape than [n, width] or [sequences, n, width], all of one n, or for more blocks than there are
 */
export function expectPromptTokens(
  tower: string,
  { width, layers: blocks }: { readonly width: number; readonly layers: number },
  { at, layers, inserted = false }: PromptTokens,
  sequences: number,
): void {
  const fail = (problem: string, fix: string): never => {
    throw new ShapeError(tower, problem, fix);
  };
  if (at !== 'end' && !(Number.isSafeInteger(at) && at >= 0))
    fail(`prompts stand at ${at}`, "give the first token they replace, or 'end'");
  if (layers.length > blocks) fail(`prompts are given for ${layers.length} blocks, and there are ${blocks}`, 'give fewer');
  if (inserted && at === 'end')
    fail("prompts are inserted at 'end', where they are appended", 'give the token that they stand before');
  const first = layers.find((tokens) => tokens !== undefined);
  for (const [layer, tokens] of layers.entries()) {
    if (!tokens) continue;
    const shape = `[${tokens.shape.join(', ')}]`;
    const isOfEach = tokens.rank === 3 && tokens.shape[0] === sequences;
    if ((tokens.rank !== 2 && !isOfEach) || tokens.shape.at(-1) !== width)
      fail(
        `the prompt of block ${layer} has shape ${shape}`,
        `give tokens [n, ${width}] or [${sequences}, n, ${width}], or none`,
      );
    if (tokens.shape.at(-2) !== first?.shape.at(-2))
      fail(
        `the prompt of block ${layer} has shape ${shape}, an earlier one [${first?.shape.join(', ')}]`,
        'give all of one length',
      );
  }
}

/**
 * The input of a block: x [..., T, width] with the tokens [n, width] from place `at` on of every sequence. At T they are appended; before
 * it they replace what stands there.
 * @throws ShapeError when they do not fit in there
 */
export function placeTokens(x: Tensor, tokens: Tensor, at: number): Tensor {
  const axis = x.rank - 2;
  const [length = 0] = x.shape.slice(axis);
  if (at === length) return cat([x, spread(x, tokens)], axis);
  if (tokens.rank === 2) return replaceTokens(x, tokens, at);
  const after = at + (tokens.shape.at(-2) as number);
  const parts = [narrow(x, axis, 0, at), tokens, narrow(x, axis, after, length - after)];
  return cat(
    parts.filter(({ size }) => size > 0),
    axis,
  );
}

/** The tokens between those of every sequence of x [..., T, width], before the one that stands at `at`. */
export function insertTokens(x: Tensor, tokens: Tensor, at: number): Tensor {
  const axis = x.rank - 2;
  const [length = 0] = x.shape.slice(axis);
  const parts = [narrow(x, axis, 0, at), spread(x, tokens), narrow(x, axis, at, length - at)];
  return cat(
    parts.filter(({ size }) => size > 0),
    axis,
  );
}

/** Tokens [n, width] for every sequence of x; those of each sequence as they are. */
function spread(x: Tensor, tokens: Tensor): Tensor {
  const batch = x.shape.slice(0, -2);
  if (tokens.rank > 2 || batch.length === 0) return tokens;
  return expand(reshape(tokens, [...batch.map(() => 1), ...tokens.shape]), [...batch, ...tokens.shape]);
}

/** Packed rows [N, width] with the tokens [sequences, n, width] in place of rows `at` to `at + n - 1` of each sequence. */
export function replaceInPacked(rows: Tensor, tokens: Tensor, { lengths = [], total }: PackedSequences, at: number): Tensor {
  const [, count = 0, width = 0] = tokens.shape;
  const index = new Int32Array(total);
  let row = 0;
  for (const [sequence, length] of lengths.entries())
    for (let place = 0; place < length; place += 1, row += 1) {
      const isReplaced = place >= at && place < at + count;
      index[row] = isReplaced ? total + sequence * count + place - at : row;
    }
  return indexSelect(cat([rows, reshape(tokens, [-1, width])]), 0, tensor(index, { device: rows.device }));
}

/** In one dispatch. What stood there gets no gradient; the tokens get the sum over the sequences. */
const replaceTokens = defineOp('replaceTokens', replaced);

function replaced(x: Tensor, tokens: Tensor, at: number): Tensor {
  const axis = x.rank - 2;
  const [length = 0, width] = x.shape.slice(axis);
  const [count = 0] = tokens.shape;
  if (tokens.rank !== 2 || tokens.shape[1] !== width || at + count > length) {
    throw new ShapeError(
      'replaceTokens',
      `tokens of shape [${tokens.shape.join(', ')}] from place ${at} on do not fit into [${x.shape.join(', ')}]`,
      `give at most ${Math.max(0, length - at)} tokens of width ${width}`,
    );
  }
  using before = narrow(x, axis, 0, at);
  using one = reshape(tokens, [...x.shape.slice(0, axis).map(() => 1), ...tokens.shape]);
  using spread = expand(one, [...x.shape.slice(0, axis), ...tokens.shape]);
  using after = narrow(x, axis, at + count, length - at - count);
  return cat([before, spread, after], axis);
}

defineRule(replaceTokens, (context, x, tokens, at) => {
  const { device, dtype } = x;
  const [length = 0, width = 0] = x.shape.slice(-2);
  const [count = 0] = tokens.shape;
  const needs = { x: context.needs(x), tokens: context.needs(tokens) };
  return {
    output: replaced(x, tokens, at),
    backward: (grad) => {
      const outside = (): Tensor => {
        const mask = Array.from({ length }, (_, place) => (place >= at && place < at + count ? 0 : 1));
        return mul(grad, tensor(mask, { shape: [length, 1], device, dtype }));
      };
      const inside = narrow(grad, grad.rank - 2, at, count);
      return [
        needs.x ? outside() : undefined,
        needs.tokens ? (grad.rank === 2 ? inside : sum(reshape(inside, [-1, count, width]), [0])) : undefined,
      ];
    },
  };
});
