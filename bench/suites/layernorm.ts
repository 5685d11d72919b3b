/** Layer norm over the channels of both towers; bandwidth is what counts. */
import type { Job } from '../jobs.ts';

export const layerNormJobs: readonly Job[] = [
  { kind: 'layernorm', rows: 197 * 4, width: 768 },
  { kind: 'layernorm', rows: 77 * 10, width: 512 },
];
