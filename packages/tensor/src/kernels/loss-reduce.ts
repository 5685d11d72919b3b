/** Reduction of losses, the last step of each: many partial losses to one number, in a fixed order. */
import { lossReduceWgsl } from '@mudpt/shaders';
import { kernel } from './kernel.ts';
import { empty } from '../definition/views.ts';
import type { Tensor } from '../tensor.ts';
import { rowLaunch } from './row-launch.ts';

const reduceKernel = kernel({ name: 'loss.reduce', source: lossReduceWgsl });

/** Losses that one row of threads adds up; more are added in stages, so that no term is lost to rounding in a long sum. */
const CHUNK = 4096;

/** Labels, and the value whose rows a mean ignores. */
export type Counting = { readonly labels: Tensor; readonly ignored: number; readonly counted: Tensor };

/** What a stage counts besides: labels in the first, the counts of the stage before in the others. */
type Counted = { readonly kind: 'labels' | 'counts'; readonly values: Tensor; readonly offset: number; readonly ignored: number };

/** factor * sum(losses), a scalar; with `counting` divided by the labels that count, whose number goes to `counting.counted`. */
export function reduceLosses(losses: Tensor, factor: number, counting?: Counting): Tensor {
  const counted: Counted | undefined = counting && {
    kind: 'labels',
    values: counting.labels,
    offset: counting.labels.offset,
    ignored: counting.ignored,
  };
  return reduceStage(losses, factor, counted, counting?.counted);
}

function reduceStage(losses: Tensor, factor: number, counted: Counted | undefined, total: Tensor | undefined): Tensor {
  const { device, size } = losses;
  const rows = Math.max(1, Math.ceil(size / CHUNK));
  const isLast = rows === 1;
  const result = empty(device, isLast ? [] : [rows]);
  const counts = counted && (isLast && total ? total : empty(device, [rows]));
  const { variant, grid } = rowLaunch(device, 'loss', rows, Math.max(64, Math.min(size, CHUNK)));
  reduceKernel.dispatch(device, {
    buffers: { losses, result, ...(counted && counts ? { labels: counted.values, counted: counts } : {}) },
    params: {
      width: size,
      rows,
      chunk: CHUNK,
      factor: isLast ? factor : 1,
      labels_offset: counted?.offset ?? 0,
      ignored: counted?.ignored ?? 0,
    },
    grid,
    defines: { T: 'f32', W: 'f32', V: 1, ROWS: variant, COUNTS: counted?.kind ?? 'none', LAST: isLast ? 1 : 0 },
    flops: size,
    bytes: 4 * size,
  });
  if (isLast) return result;
  const next: Counted | undefined = counted && counts && { kind: 'counts', values: counts, offset: 0, ignored: 0 };
  const sum = reduceStage(result, factor, next, total);
  result.dispose();
  counts?.dispose();
  return sum;
}
