/** Batch size of evaluation. */
import type { Clip } from '@mudpt/clip';
import type { Method } from '../methods/index.ts';
import { type Budget, heldBytes } from './choice.ts';

/**
 * The most images that go through a method at once: the requested number, while the widest activation (the hidden layer of a block, or
 * the texts of all images) fits a storage binding of the device, and the peak memory fits the rest of the budget.
 */
export function evaluationBatch({ device, config }: Clip, wanted: number, method?: Method, budget?: Budget): number {
  const { image, embed } = config;
  const tokens = 2 + (image.size / image.patch) ** 2 + 16; // the class token, patches, and space for prompts
  const texts = method?.kind === 'prompts' ? method.textsPerImage * embed : 0;
  const widest = Math.max(tokens * Math.max(image.hidden, 3 * image.width), texts);
  const most = Math.floor(device.limits.maxStorageBufferBindingSize / (4 * widest));
  if (!budget) return Math.max(1, Math.min(wanted, most));
  const fitting = Math.floor((budget.bytes - heldBytes(device)) / (bytesOfImage(image, tokens) + TEXT_COPIES * 4 * texts));
  return Math.max(1, Math.min(wanted, most, fitting));
}

/** Copies of text features that each image needs: single, stacked and normalised ones, with the pool's rounding. */
const TEXT_COPIES = 3;

/** Most memory of one image: a block's peak, the image itself, and a quarter for the pool's rounding. */
function bytesOfImage({ width, hidden, size }: Clip['config']['image'], tokens: number): number {
  return 1.25 * 4 * (tokens * (6 * width + hidden) + 6 * size ** 2);
}
