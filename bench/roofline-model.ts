/** The least time of kernels on a GPU: Williams, Waterman and Patterson, "Roofline" (2009), and the cost of a launch. */

export interface Gpu {
  readonly name: string;
  /** f32 arithmetic, floating-point operations a second. */
  readonly flops: number;
  /** Bytes a second from and to memory. */
  readonly bytes: number;
  /** Seconds that a launch takes where kernels follow one another. */
  readonly launch: number;
}

/** The H100 as it was measured (docs/gpu-proof.md); the others as their makers state them, with launches as in the H100's driver. */
export const GPUS: readonly [Gpu, ...Gpu[]] = [
  { name: 'H100', flops: 57.3e12, bytes: 2.8e12, launch: 3.8e-6 },
  { name: 'M3 Max (40 cores)', flops: 16.3e12, bytes: 400e9, launch: 3.8e-6 },
  { name: 'RTX 4060 Laptop', flops: 11.6e12, bytes: 256e9, launch: 3.8e-6 },
  { name: 'Iris Xe (96 EU)', flops: 2.2e12, bytes: 68e9, launch: 3.8e-6 },
];

export interface Work {
  readonly launches: number;
  readonly flops: number;
  readonly bytes: number;
}

/** Milliseconds. */
export function leastTime({ launches, flops, bytes }: Work, gpu: Gpu): number {
  return 1000 * (Math.max(flops / gpu.flops, bytes / gpu.bytes) + launches * gpu.launch);
}

/** The family of a kernel by its label: `gemm.block{...}` is of gemm. Both passes of attention and norms are told apart. */
export function familyOf(label: string): string {
  const name = label.replace(/\{.*$/s, '');
  if (name.startsWith('attention')) return /dq|dkv/.test(name) ? 'attention, backward' : 'attention, forward';
  if (name.startsWith('norm')) return name.includes('backward') ? 'layer norm, backward' : 'layer norm, forward';
  return name.split('.')[0] ?? name;
}
