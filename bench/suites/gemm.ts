/** Matrix products: the cube that other engines quote, and the shapes of CLIP ViT-B/16. */
import type { Job, Layout } from '../jobs.ts';

const TOKENS = 197;

const job = (layout: Layout, m: number, n: number, k: number): Job => ({ kind: 'matmul', layout, m, n, k });

export const gemmJobs: readonly Job[] = [
  job('NT', 512, 512, 512),
  // Forward: fused queries, keys and values; output projection; both products of the feed-forward part.
  job('NT', TOKENS, 2304, 768),
  job('NT', TOKENS, 768, 768),
  job('NT', TOKENS, 3072, 768),
  job('NT', TOKENS, 768, 3072),
  // Gradient of the input of the widest product; the text tower's widest at ten classes of 16 rows.
  job('NN', TOKENS, 768, 3072),
  job('NT', 160, 2048, 512),
  // The gradient of a weight: only what is learnt has one.
  job('TN', 768, 512, 128),
];

export const quickGemmJobs: readonly Job[] = [
  job('NT', 512, 512, 512),
  job('NT', TOKENS, 3072, 768),
  job('NN', TOKENS, 768, 3072),
];

/** What fills a GPU: cubes, and the products of ViT-B/16 with 32 images. */
export const gpuGemmJobs: readonly Job[] = [
  job('NT', 1024, 1024, 1024),
  job('NT', 4096, 4096, 4096),
  job('NT', 32 * TOKENS, 2304, 768),
  job('NT', 32 * TOKENS, 768, 3072),
  job('NN', 32 * TOKENS, 3072, 768),
];
