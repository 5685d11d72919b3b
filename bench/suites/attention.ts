/** Attention at the token counts of CLIP: 77 of the text tower, 197 of ViT-B/16, 201 with four prompts, and long ones, up to those whose scores no buffer holds. */
import type { AttentionJob } from '../jobs.ts';

const job = (tokens: number, heads: number, causal: boolean, gradient: boolean): AttentionJob => ({
  kind: 'attention',
  batch: 1,
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
