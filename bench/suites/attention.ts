/** Attention at the token counts of CLIP: 77 of the text tower, 197 of ViT-B/16, 201 with four prompts, and long ones, up to those whose scores no buffer holds. */
import type { AttentionJob } from '../jobs.ts';

const job = (tokens: number, heads: number, causal: boolean, gradient: boolean, batch = 1): AttentionJob => ({
  kind: 'attention',
  batch,
  heads,
  tokens,
  depth: 64,
  causal,
  gradient,
});

export const attentionJobs: readonly AttentionJob[] = [false, true].flatMap((gradient) => [
  job(77, 8, true, gradient),
  job(197, 12, false, gradient),
  job(201, 12, false, gradient),
  job(1024, 8, false, gradient),
  job(1024, 8, true, gradient),
  job(4096, 8, false, gradient),
]);

export const quickAttentionJobs: readonly AttentionJob[] = [false, true].flatMap((gradient) => [
  job(77, 8, true, gradient),
  job(197, 12, false, gradient),
]);

/** What fills a GPU: the layers of both towers with 32 images and 100 classes, and a long sequence. */
export const gpuAttentionJobs: readonly AttentionJob[] = [false, true].flatMap((gradient) => [
  job(197, 12, false, gradient, 32),
  job(77, 8, true, gradient, 100),
  job(1024, 8, false, gradient, 8),
]);
