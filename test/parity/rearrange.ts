/** The cases of `concat_slice`: concatenation, slices, permutations, expansion, and the replacement of prompt rows. */
import type { Tensor } from '@mudpt/tensor';
import { nth } from '@mudpt/tensor/internal';
import type { Operations } from './engine.ts';
import type { GoldenCase } from './golden.ts';
import type { Inputs } from './inputs.ts';
import { type Options, Unsupported } from './options.ts';

export function rearrange(t: Operations, inputs: Inputs, options: Options, golden: GoldenCase): Tensor {
  const name = options.text('function');
  if (name === 'concat') return t.cat(inputs.all(), options.number('axis'));
  const x = inputs.get('x');
  switch (name) {
    case 'permute':
      return t.permute(x, options.numbers('permutation'));
    case 'expand':
      return t.expand(x, outputShape(golden));
    case 'slice':
      return sliceNamed(t, x, golden.name);
    case 'rows 1..n replaced by p in every sequence':
      return withRows(t, x, inputs.get('p'), 1, options.number('n'));
    case 'last n rows replaced by p in every sequence':
      return withRows(t, x, inputs.get('p'), nth(x.shape, 1) - options.number('n'), options.number('n'));
    default:
      throw new Unsupported(`function ${JSON.stringify(name)}`);
  }
}

/** The shape asked for is that of the cotangent, which is given to the case, not computed by it. */
function outputShape(golden: GoldenCase): readonly number[] {
  const shape = golden.tensors.get('cot')?.shape;
  if (shape === undefined) throw new Unsupported('a case without a cotangent does not tell its output shape');
  return shape;
}

/** x [B, S, E] with rows start .. start + count replaced by p [count, E]. */
function withRows(t: Operations, x: Tensor, p: Tensor, start: number, count: number): Tensor {
  const [batch = 0, length = 0] = x.shape;
  const parts = [
    t.slice(x, [null, { start: 0, stop: start }]),
    t.expand(t.reshape(p, [1, ...p.shape]), [batch, ...p.shape]),
    t.slice(x, [null, { start: start + count, stop: length }]),
  ];
  const rows = [start, count, length - start - count];
  return t.cat(
    parts.filter((_, index) => rows[index] !== 0),
    1,
  );
}

/** One cut: `rows2to6`, `2axis0to3`, `rows_step2`, `rows1to9_step2`. */
const CUT = /^(?:(\d+)axis|rows)(?:(\d+)to(\d+))?(?:_?step(\d+))?(?:_|$)/;

/**
 * What is cut stands only in the case's name: `slice_rows2to6` (rows are the last axis but one), `slice_0axis1to3_2axis0to3`
 * (axis 0 from 1 to 3, axis 2 from 0 to 3), `slice_rows_step2`.
 */
function sliceNamed(t: Operations, x: Tensor, name: string): Tensor {
  const unknown = new Unsupported(`what is cut is told by the name of the case, and ${name} is not understood`);
  const rank = x.shape.length;
  const ranges: ({ start: number; stop: number; step: number } | null)[] = x.shape.map(() => null);
  if (!name.startsWith('slice_')) throw unknown;
  for (let rest = name.slice('slice_'.length); rest !== ''; ) {
    const match = CUT.exec(rest);
    if (match === null) throw unknown;
    const [whole, axisText, start, stop, step] = match;
    const axis = axisText === undefined ? rank - 2 : Number(axisText);
    if (ranges[axis] !== null || (stop === undefined && step === undefined)) throw unknown;
    ranges[axis] = { start: Number(start ?? 0), stop: Number(stop ?? x.shape[axis]), step: Number(step ?? 1) };
    rest = rest.slice(whole.length);
  }
  return t.slice(x, ranges);
}
