/** Attention at the token counts of CLIP: 77 of the text tower, 197 of ViT-B/16, 201 with four prompts, and long ones, up to those whose scores no buffer holds. */
import type { AttentionJob } from '../jobs.ts';

type Given = Pick<AttentionJob, 'tokens' | 'heads' | 'gradient'> & Partial<Pick<AttentionJob, 'batch' | 'causal'>>;

const job = (given: Given): AttentionJob => ({ kind: 'attention', batch: 1, depth: 64, causal: false, ...given });

export const attentionJobs: readonly AttentionJob[] = [false, true].flatMap((gradient) => [
  job({ tokens: 77, heads: 8, causal: true, gradient }),
  job({ tokens: 197, heads: 12, gradient }),
  job({ tokens: 201, heads: 12, gradient }),
  job({ tokens: 1024, heads: 8, gradient }),
  job({ tokens: 1024, heads: 8, causal: true, gradient }),
  job({ tokens: 4096, heads: 8, gradient }),
]);

export const quickAttentionJobs: readonly AttentionJob[] = [false, true].flatMap((gradient) => [
  job({ tokens: 77, heads: 8, causal: true, gradient }),
  job({ tokens: 197, heads: 12, gradient }),
]);

/** What fills a GPU: the layers of both towers with 32 images and 100 classes, and a long sequence. */
export const gpuAttentionJobs: readonly AttentionJob[] = [false, true].flatMap((gradient) => [
  job({ tokens: 197, heads: 12, gradient, batch: 32 }),
  job({ tokens: 77, heads: 8, causal: true, gradient, batch: 100 }),
  job({ tokens: 1024, heads: 8, gradient, batch: 8 }),
]);
