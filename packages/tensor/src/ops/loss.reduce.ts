/** The last step of every loss: many partial losses to one number, in a fixed order. */
import { wgsl } from '@mudpt/shaders';
import { kernel } from '../kernel.ts';
import { empty, type Tensor } from '../tensor.ts';
import { planRows } from './rows.ts';

const reduceKernel = kernel({ name: 'loss.reduce', source: wgsl['loss.reduce.wgsl'] });

/** Labels whose rows a mean does not count. */
export type Counting = { readonly labels: Tensor; readonly ignored: number; readonly counted: Tensor };

/** factor * sum(losses), a scalar; with `counting` divided by the labels that count, whose number goes to `counting.counted`. */
export function reduceLosses(losses: Tensor, factor: number, counting?: Counting): Tensor {
  const { device } = losses;
  const result = empty(device, []);
  const { variant } = planRows(device, 'loss', 1, Math.max(64, losses.size));
  reduceKernel.dispatch(device, {
    buffers: { losses, result, ...(counting ? { labels: counting.labels, counted: counting.counted } : {}) },
    params: {
      width: losses.size,
      factor,
      ...(counting ? { labels_offset: counting.labels.offset, ignored: counting.ignored } : {}),
    },
    grid: [1],
    defines: { T: 'f32', W: 'f32', V: 1, ROWS: variant, MEAN: counting ? 1 : 0 },
    flops: losses.size,
    bytes: 4 * losses.size,
  });
  return result;
}
